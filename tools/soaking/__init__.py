"""What tools/soak is made of: random inputs with their counts, and runs under fire."""
