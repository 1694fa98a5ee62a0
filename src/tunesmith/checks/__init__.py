"""Find out what is wrong with a data set: one check per file, records -> findings."""
