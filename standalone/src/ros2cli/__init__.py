"""The part of the `ros2` command that is carried here: launch, run and topic."""
