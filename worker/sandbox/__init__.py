"""What stands in for the outside world on a bare machine: never imported in production."""
