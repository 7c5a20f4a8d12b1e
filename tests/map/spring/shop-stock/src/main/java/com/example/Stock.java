package com.example;

import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;

@RestController
public class Stock {
    @GetMapping("/")
    public String all() {
        return "";
    }
}
