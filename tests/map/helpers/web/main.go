package main

import (
	"context"
	"net/http"
	"os"

	"github.com/go-resty/resty/v2"
	"github.com/segmentio/kafka-go"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.26.0"
)

// newClient makes a client for one service: what one caller gives it is not what the other gives.
func newClient(base string) *resty.Client {
	return resty.New().SetBaseURL(base)
}

type shop struct {
	till, books *resty.Client
	sales       *kafka.Writer
}

func (s *shop) buy(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	s.till.R().SetContext(ctx).Post("/pay")
	s.books.R().SetContext(ctx).Post("/note")
	s.sales.WriteMessages(ctx, kafka.Message{Value: []byte("sold")})
}

func tracing(ctx context.Context) {
	named, _ := resource.New(ctx, resource.WithAttributes(
		semconv.ServiceName("front"),
		attribute.String("team", "shop"),
	))
	otel.SetTracerProvider(trace.NewTracerProvider(trace.WithResource(named)))
}

func main() {
	tracing(context.Background())
	s := &shop{
		till:  newClient(os.Getenv("TILL_ADDR")),
		books: newClient(os.Getenv("BOOKS_ADDR")),
		sales: &kafka.Writer{Addr: kafka.TCP("kafka:9092"), Topic: os.Getenv("TOPIC")},
	}
	http.HandleFunc("/buy", s.buy)
	http.ListenAndServe(":8080", nil)
}
