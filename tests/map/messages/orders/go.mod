module example.com/orders

go 1.24

require (
	github.com/IBM/sarama v1.45.0
	go.opentelemetry.io/otel v1.35.0
	go.opentelemetry.io/otel/sdk v1.35.0
)
