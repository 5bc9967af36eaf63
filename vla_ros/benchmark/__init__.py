"""A policy's stages, measured without a graph."""
