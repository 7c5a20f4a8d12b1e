package main

import (
	"bytes"
	"context"
	"log"
	"net/http"
	"os"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

type bakery struct {
	client *http.Client
}

func main() {
	provider := sdktrace.NewTracerProvider()
	defer func() { _ = provider.Shutdown(context.Background()) }()
	otel.SetTracerProvider(provider)
	otel.SetTextMapPropagator(propagation.TraceContext{})
	svc := &bakery{client: &http.Client{Transport: otelhttp.NewTransport(http.DefaultTransport)}}
	mux := http.NewServeMux()
	mux.HandleFunc("/bread", svc.bread)
	log.Print(http.ListenAndServe(":8080", otelhttp.NewHandler(mux, "bakery")))
}

func (b *bakery) bread(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	b.grind(ctx)
	b.bake(ctx)
	b.sell(context.Background())
}

// The trace goes along.
func (b *bakery) grind(ctx context.Context) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, os.Getenv("MILL_ADDR")+"/grind", bytes.NewReader(nil))
	if err == nil {
		_, _ = b.client.Do(request)
	}
}

// It is lost at the call.
func (b *bakery) bake(ctx context.Context) {
	request, err := http.NewRequestWithContext(context.TODO(), http.MethodPost, os.Getenv("OVEN_ADDR")+"/bake", bytes.NewReader(nil))
	if err == nil {
		_, _ = b.client.Do(request)
	}
}

// It was lost before.
func (b *bakery) sell(ctx context.Context) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, os.Getenv("TILL_ADDR")+"/sell", bytes.NewReader(nil))
	if err == nil {
		_, _ = b.client.Do(request)
	}
}
