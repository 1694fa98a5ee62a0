"""Let a teacher answer prompts, within a budget, so that nothing is paid for twice and nothing is lost."""
