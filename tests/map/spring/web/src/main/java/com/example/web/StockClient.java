package com.example.web;

import org.springframework.cloud.openfeign.FeignClient;
import org.springframework.web.bind.annotation.GetMapping;

@FeignClient(name = "stock")
public interface StockClient {
    @GetMapping("/stock")
    String stock();
}
