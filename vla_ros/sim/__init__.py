"""The embedded robot: a needle on a six-axis arm, a phantom, five cameras and a depth sensor."""
