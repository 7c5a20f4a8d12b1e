package com.example;

class Packer {
    void handleMessage(String bread) {
        System.out.println("packed " + bread);
    }
}
