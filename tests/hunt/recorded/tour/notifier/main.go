package main

import (
	"bytes"
	"context"
	"log"
	"net/http"
	"os"
	"os/signal"

	"github.com/nats-io/nats.go"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

var (
	tracer = otel.Tracer("notifier")
	client = &http.Client{Transport: otelhttp.NewTransport(http.DefaultTransport)}
)

func main() {
	ctx := context.Background()
	provider := startTracing(ctx)
	defer func() { _ = provider.Shutdown(ctx) }()
	nc, err := nats.Connect(os.Getenv("NATS_URL"))
	if err != nil {
		log.Fatal(err)
	}
	defer nc.Close()
	if _, err := nc.Subscribe("trips.booked", booked); err != nil {
		log.Fatal(err)
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt)
	<-stop
}

func booked(msg *nats.Msg) {
	ctx := otel.GetTextMapPropagator().Extract(context.Background(), propagation.HeaderCarrier(msg.Header))
	ctx, span := tracer.Start(ctx, "trips.booked process", trace.WithSpanKind(trace.SpanKindConsumer))
	defer span.End()
	if err := text(ctx, msg.Data); err != nil {
		span.RecordError(err)
	}
}

func text(ctx context.Context, body []byte) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, os.Getenv("SMS_ADDR")+"/messages", bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	return response.Body.Close()
}
