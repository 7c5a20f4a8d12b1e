package com.example;

import org.springframework.http.RequestEntity;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.client.RestTemplate;

@RestController
class DeskController {
    private final Addresses addresses;
    private final RestTemplate rest;

    DeskController(Addresses addresses, RestTemplate rest) {
        this.addresses = addresses;
        this.rest = rest;
    }

    @PostMapping("/orders")
    String order(@RequestBody String bread) {
        RequestEntity<String> request = RequestEntity.post(addresses.oven()).body(bread);
        return rest.exchange(request, String.class).getBody();
    }

    @PostMapping("/advice")
    String advice() {
        return rest.getForObject(addresses.weather(), String.class);
    }
}
