package main

import (
	"context"
	"io"
	"log"
	"net/http"
	"os"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
)

var client = &http.Client{Transport: otelhttp.NewTransport(http.DefaultTransport)}

func main() {
	ctx := context.Background()
	provider := startTracing(ctx)
	defer func() { _ = provider.Shutdown(ctx) }()
	mux := http.NewServeMux()
	mux.HandleFunc("/order", order)
	log.Fatal(http.ListenAndServe(":8180", otelhttp.NewHandler(mux, "counter")))
}

func order(w http.ResponseWriter, r *http.Request) {
	request, err := http.NewRequestWithContext(r.Context(), http.MethodGet, os.Getenv("PRICING_URL")+"/price?item=tea", nil)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	response, err := client.Do(request)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer response.Body.Close()
	w.WriteHeader(response.StatusCode)
	_, _ = io.Copy(w, response.Body)
}
