package com.example.audit;

import org.springframework.kafka.annotation.KafkaListener;
import org.springframework.kafka.core.KafkaTemplate;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.stereotype.Component;

@Component
public class Listener {
    private final KafkaTemplate<String, String> template;
    private final String refunds;

    public Listener(KafkaTemplate<String, String> template, @Value("${audit.refunds}") String refunds) {
        this.template = template;
        this.refunds = refunds;
    }

    @KafkaListener(topics = "${audit.topic}", groupId = "audit")
    public void taken(String order) {
        template.send(refunds, order);
    }
}
