package interop;

import java.util.concurrent.Callable;

/** A line for every check. */
final class Verdicts {
    private int passed;
    private int failed;

    /** Something that is checked; it gives what is worth a note, or an empty text. */
    void check(String what, Callable<String> check) {
        try {
            String note = check.call();
            passed++;
            System.out.println("ok   " + what + (note.isEmpty() ? "" : " (" + note + ")"));
        } catch (Exception e) {
            failed++;
            System.out.println("FAIL " + what + ": " + (e instanceof Failed ? e.getMessage() : e));
        }
    }

    boolean allPassed() {
        System.out.println(passed + " passed, " + failed + " failed");
        return failed == 0;
    }
}
