package com.example;

import java.net.URI;

class Addresses {
    private String domain = "";

    URI oven() {
        return new Address(new Name("oven"), new Name(domain), "/bake").toUri();
    }

    URI weather() {
        return new Address(new Name("weather.example.com"), new Name(""), "/today").toUri();
    }

    void setDomain(String domain) {
        this.domain = domain;
    }

    private static class Name {
        private final String name;

        Name(String name) {
            this.name = name;
        }

        @Override
        public String toString() {
            return name == null ? "" : name;
        }
    }

    private static class Address {
        private final Name host;
        private final Name domain;
        private final String path;

        Address(Name host, Name domain, String path) {
            this.host = host;
            this.domain = domain;
            this.path = path;
        }

        URI toUri() {
            return URI.create(withScheme(host.toString() + domain.toString()) + path);
        }

        private String withScheme(String host) {
            return "http://" + host;
        }
    }
}
