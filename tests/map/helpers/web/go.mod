module example.com/web

go 1.24

require (
	github.com/go-resty/resty/v2 v2.16.5
	github.com/segmentio/kafka-go v0.4.47
	go.opentelemetry.io/otel v1.34.0
	go.opentelemetry.io/otel/sdk v1.34.0
)
