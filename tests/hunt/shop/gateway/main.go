package main

import (
	"context"
	"log"
	"net/http"
	"os"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

var client = &http.Client{Transport: otelhttp.NewTransport(http.DefaultTransport)}

func main() {
	provider := sdktrace.NewTracerProvider()
	defer func() { _ = provider.Shutdown(context.Background()) }()
	otel.SetTracerProvider(provider)
	otel.SetTextMapPropagator(propagation.TraceContext{})
	mux := http.NewServeMux()
	mux.HandleFunc("/buy", buy)
	log.Print(http.ListenAndServe(":8080", otelhttp.NewHandler(mux, "gateway")))
}

func buy(w http.ResponseWriter, r *http.Request) {
	request, err := http.NewRequestWithContext(r.Context(), http.MethodPost, os.Getenv("ORDERS_ADDR")+"/orders", nil)
	if err != nil {
		return
	}
	if _, err := client.Do(request); err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
	}
}
