"""What comes back by mail: bounces, complaints, replies."""
