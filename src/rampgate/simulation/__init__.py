"""What a policy does before anything is launched: rollouts drawn from the baseline and judged by the one judge."""
