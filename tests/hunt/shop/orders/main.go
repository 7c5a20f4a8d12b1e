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

var mailClient = &http.Client{}

func main() {
	provider := sdktrace.NewTracerProvider()
	defer func() { _ = provider.Shutdown(context.Background()) }()
	otel.SetTracerProvider(provider)
	otel.SetTextMapPropagator(propagation.TraceContext{})
	mux := http.NewServeMux()
	mux.HandleFunc("/orders", order)
	log.Print(http.ListenAndServe(":8081", otelhttp.NewHandler(mux, "orders")))
}

func order(w http.ResponseWriter, r *http.Request) {
	request, err := http.NewRequestWithContext(r.Context(), http.MethodPost, os.Getenv("MAILER_ADDR")+"/send", nil)
	if err != nil {
		return
	}
	if _, err := mailClient.Do(request); err != nil {
		log.Print(err)
	}
}
