package interop;

/** A check that failed, and why. */
final class Failed extends Exception {
    private static final long serialVersionUID = 1L;

    Failed(String why) {
        super(why);
    }

    Failed(String why, Throwable cause) {
        super(why + ": " + cause, cause);
    }
}
