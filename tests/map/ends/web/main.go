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

func get(ctx context.Context, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	return res.Body.Close()
}

func page(w http.ResponseWriter, r *http.Request) {
	if err := get(r.Context(), os.Getenv("TILL_ADDR")+"/sales"); err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	if err := get(r.Context(), os.Getenv("PRESS_ADDR")+"/cards"); err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
	}
}

func main() {
	provider := sdktrace.NewTracerProvider()
	defer func() { _ = provider.Shutdown(context.Background()) }()
	otel.SetTracerProvider(provider)
	otel.SetTextMapPropagator(propagation.TraceContext{})
	mux := http.NewServeMux()
	mux.HandleFunc("/page", page)
	log.Print(http.ListenAndServe(":8080", otelhttp.NewHandler(mux, "web")))
}
