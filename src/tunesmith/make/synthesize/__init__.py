"""Make new records: from good outputs with exact answers, from seed tasks through a teacher, from gaps in coverage."""
