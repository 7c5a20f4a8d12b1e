package main

import (
	"log"
	"net/http"
	"os"

	"github.com/IBM/sarama"
	"go.opentelemetry.io/otel"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

type shop struct {
	producer sarama.SyncProducer
	topic    string
}

func topic() string {
	if topic := os.Getenv("ORDERS_TOPIC"); topic != "" {
		return topic
	}
	return "orders"
}

func main() {
	otel.SetTracerProvider(sdktrace.NewTracerProvider())
	producer, err := sarama.NewSyncProducer([]string{"kafka:9092"}, sarama.NewConfig())
	if err != nil {
		log.Fatal(err)
	}
	s := &shop{producer: producer, topic: topic()}
	http.HandleFunc("/order", s.order)
	log.Print(http.ListenAndServe(":8080", nil))
}

func (s *shop) order(w http.ResponseWriter, r *http.Request) {
	message := &sarama.ProducerMessage{Topic: s.topic, Value: sarama.StringEncoder("x")}
	if _, _, err := s.producer.SendMessage(message); err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
	}
}
