package com.example.web;

import org.springframework.beans.factory.annotation.Value;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.client.RestClient;
import org.springframework.web.client.RestTemplate;

@RestController
public class Pages {
    private final RestTemplate template = new RestTemplate();
    private final RestClient client = RestClient.builder().baseUrl("http://stock").build();
    private final String mail;

    public Pages(@Value("${services.mail.url}") String mail) {
        this.mail = mail;
    }

    @GetMapping("/mail")
    public String mail() {
        return template.getForObject(mail + "/send", String.class);
    }

    @GetMapping("/stock")
    public String stock() {
        return client.get().uri("/stock").retrieve().body(String.class);
    }
}
