"""What tools/plot draws with: pictures of comparisons and of traces."""
