"""What a run amounts to: numbers, pictures, pages."""
