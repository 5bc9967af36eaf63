"""The policy, in torch."""
