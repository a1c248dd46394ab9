package interop;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Runs the scenarios and prints a verdict for every check: {@code --kcl-local PROGRAM --consumer PROGRAM --folder
 * FOLDER --scenarios NAME,NAME}. Exits with 1 if one failed.
 */
public final class Check {
    private Check() {}

    /** The programs that are tested. */
    record Programs(String kclLocal, String consumer) {}

    /** What happens in a world of its own, and what is checked about it. */
    interface Scenario {
        void run(World world, Verdicts verdicts) throws Exception;
    }

    private static final Map<String, Scenario> SCENARIOS = new LinkedHashMap<>();

    static {
        SCENARIOS.put("java-first", new JavaFirst());
        SCENARIOS.put("rust-first", new RustFirst());
    }

    public static void main(String[] arguments) {
        Options options = new Options(arguments);
        Programs programs = new Programs(options.text("kcl-local"), options.text("consumer"));
        Path folder = Path.of(options.text("folder"));
        Verdicts verdicts = new Verdicts();
        for (String name : List.of(options.text("scenarios").split(","))) {
            System.out.println("== " + name);
            verdicts.check(name + " ran to its end", () -> {
                run(SCENARIOS.get(name), new World(programs, folder.resolve(name)), verdicts);
                return "";
            });
        }
        System.exit(verdicts.allPassed() ? 0 : 1);
    }

    private static void run(Scenario scenario, World world, Verdicts verdicts) throws Exception {
        try (world) {
            scenario.run(world, verdicts);
        }
    }
}
