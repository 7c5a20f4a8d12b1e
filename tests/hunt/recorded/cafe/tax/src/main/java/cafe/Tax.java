package cafe;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.concurrent.Executors;

public final class Tax {
    private static final HttpClient CLIENT = HttpClient.newHttpClient();

    public static void main(String[] args) throws IOException {
        HttpServer server = HttpServer.create(new InetSocketAddress(8183), 0);
        server.createContext("/tax", Tax::tax);
        server.setExecutor(Executors.newFixedThreadPool(4));
        server.start();
    }

    private static void tax(HttpExchange exchange) throws IOException {
        record(exchange.getRequestURI().getQuery());
        byte[] body = "{\"tax\": 0.2}".getBytes();
        exchange.getResponseHeaders().add("Content-Type", "application/json");
        exchange.sendResponseHeaders(200, body.length);
        try (var out = exchange.getResponseBody()) {
            out.write(body);
        }
    }

    private static void record(String query) throws IOException {
        HttpRequest request = HttpRequest.newBuilder(URI.create(System.getenv("LEDGER_URL") + "/entries?" + query))
                .POST(HttpRequest.BodyPublishers.noBody())
                .build();
        try {
            CLIENT.send(request, HttpResponse.BodyHandlers.discarding());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
