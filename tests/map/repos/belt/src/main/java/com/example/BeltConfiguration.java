package com.example;

import org.springframework.amqp.core.Queue;
import org.springframework.amqp.rabbit.connection.ConnectionFactory;
import org.springframework.amqp.rabbit.listener.SimpleMessageListenerContainer;
import org.springframework.amqp.rabbit.listener.adapter.MessageListenerAdapter;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

@Configuration
class BeltConfiguration {
    @Bean
    Queue loaves() {
        return new Queue("loaves", false);
    }

    @Bean
    SimpleMessageListenerContainer listener(ConnectionFactory factory) {
        SimpleMessageListenerContainer container = new SimpleMessageListenerContainer();
        container.setConnectionFactory(factory);
        container.setQueues(loaves());
        container.setMessageListener(new MessageListenerAdapter(new Packer()));
        return container;
    }
}
