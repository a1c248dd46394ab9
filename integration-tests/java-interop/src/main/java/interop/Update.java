package interop;

import java.util.Map;
import java.util.TreeMap;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;

/**
 * What an {@code UpdateItem} that was done makes of an item: numbers and texts, as leases have them. Java workers send
 * {@code AttributeUpdates}, ours an {@code UpdateExpression}.
 */
final class Update {
    /** A clause of an update expression, up to the next one. */
    private static final Pattern CLAUSE = Pattern.compile("\\b(SET|REMOVE|ADD|DELETE) (.*?)(?= (?:SET|REMOVE|ADD|DELETE) |$)");
    private static final Pattern SET = Pattern.compile("(#\\w+) = (if_not_exists\\(\\S+, )?(:\\w+)");
    private static final Pattern ADD = Pattern.compile("(#\\w+) (:\\w+)");
    private static final Pattern NAME = Pattern.compile("#\\w+");

    private final Map<String, JsonNode> item;

    private Update(Map<String, JsonNode> before) {
        item = new TreeMap<>(before);
    }

    static Map<String, JsonNode> apply(Map<String, JsonNode> before, JsonNode request) throws Failed {
        Update update = new Update(before);
        request.path("Key").properties().forEach(key -> update.set(key.getKey(), key.getValue()));
        if (request.has("UpdateExpression")) {
            update.byExpression(request);
        } else {
            update.byAttributes(request.path("AttributeUpdates"));
        }
        return update.item;
    }

    private void byAttributes(JsonNode updates) throws Failed {
        for (var change : updates.properties()) {
            JsonNode value = change.getValue().path("Value");
            switch (change.getValue().path("Action").asText("PUT")) {
                case "PUT" -> set(change.getKey(), value);
                case "ADD" -> add(change.getKey(), value);
                case "DELETE" -> item.remove(change.getKey());
                default -> throw new Failed("an update that is not known: " + change);
            }
        }
    }

    private void byExpression(JsonNode request) throws Failed {
        JsonNode names = request.path("ExpressionAttributeNames");
        JsonNode values = request.path("ExpressionAttributeValues");
        Matcher clauses = CLAUSE.matcher(request.path("UpdateExpression").asText());
        while (clauses.find()) {
            String clause = clauses.group(2);
            switch (clauses.group(1)) {
                case "SET" -> all(SET, clause).forEach(set -> {
                    String name = names.path(set.group(1)).asText();
                    if (set.group(2) == null || !item.containsKey(name)) {
                        set(name, values.path(set.group(3)));
                    }
                });
                case "ADD" -> all(ADD, clause)
                        .forEach(add -> add(names.path(add.group(1)).asText(), values.path(add.group(2))));
                case "REMOVE" -> all(NAME, clause).forEach(name -> item.remove(names.path(name.group()).asText()));
                default -> throw new Failed("an update that is not known: " + clause);
            }
        }
    }

    private static Stream<MatchResult> all(Pattern pattern, String text) {
        return pattern.matcher(text).results();
    }

    private void set(String name, JsonNode value) {
        item.put(name, value);
    }

    private void add(String name, JsonNode value) {
        long known = item.containsKey(name) ? item.get(name).path("N").asLong() : 0;
        String sum = Long.toString(known + value.path("N").asLong());
        item.put(name, JsonNodeFactory.instance.objectNode().put("N", sum));
    }
}
