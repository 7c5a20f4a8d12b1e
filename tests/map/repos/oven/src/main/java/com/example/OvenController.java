package com.example;

import org.springframework.amqp.rabbit.core.RabbitTemplate;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RestController;

@RestController
class OvenController {
    private final RabbitTemplate rabbit;

    OvenController(RabbitTemplate rabbit) {
        this.rabbit = rabbit;
    }

    @PostMapping("/bake")
    void bake(@RequestBody String bread) {
        rabbit.convertAndSend("loaves", bread);
    }
}
