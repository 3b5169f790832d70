import com.google.cloud.tools.jib.api.Containerizer;
import com.google.cloud.tools.jib.api.Jib;
import com.google.cloud.tools.jib.api.RegistryImage;
import java.nio.file.Path;
import java.util.List;

/** Pulls an image, adds a file to it, pushes what that makes, and prints its digest. */
class Carry {
    /** The image to pull, the one to push, the file, and the name and password to sign in with. */
    public static void main(String[] given) throws Exception {
        var from = RegistryImage.named(given[0]).addCredential(given[3], given[4]);
        var to = RegistryImage.named(given[1]).addCredential(given[3], given[4]);
        var pushed =
            Jib.from(from)
                .addLayer(List.of(Path.of(given[2])), "/added")
                .containerize(
                    Containerizer.to(to)
                        .setAllowInsecureRegistries(true)
                        .setBaseImageLayersCache(Path.of("pulled"))
                        .setApplicationLayersCache(Path.of("made")));
        System.out.println(pushed.getDigest());
    }
}
