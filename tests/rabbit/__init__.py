"""The house with RabbitMQ in Redis's place as the broker: `make rabbit`."""
