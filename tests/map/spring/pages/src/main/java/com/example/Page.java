package com.example;

import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;

@RestController
public class Page {
    @GetMapping("/")
    public String all() {
        return "";
    }
}
