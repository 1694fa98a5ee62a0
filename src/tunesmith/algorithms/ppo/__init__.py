"""PPO with a per-token KL penalty and a pretraining mix (InstructGPT, arXiv 2203.02155)."""
