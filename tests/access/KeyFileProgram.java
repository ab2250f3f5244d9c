import com.google.api.gax.core.FixedCredentialsProvider;
import com.google.api.gax.rpc.ApiException;
import com.google.auth.oauth2.GoogleCredentials;
import com.google.cloud.tasks.v2.CloudTasksClient;
import com.google.cloud.tasks.v2.CloudTasksSettings;
import com.google.cloud.tasks.v2.HttpRequest;
import com.google.cloud.tasks.v2.Task;
import java.io.FileInputStream;
import java.io.InputStream;

/**
 * Creates a task with Google's client and each of some key files, and prints a line of what comes of it: over gRPC with
 * the scopes that Application Default Credentials have and without, and over REST. Arguments: HOST:PORT QUEUE
 * KEY_FILE...
 */
public class KeyFileProgram {
  public static void main(String[] arguments) throws Exception {
    String address = arguments[0];
    for (int at = 2; at < arguments.length; at++) {
      GoogleCredentials plain;
      try (InputStream file = new FileInputStream(arguments[at])) {
        plain = GoogleCredentials.fromStream(file);
      }
      GoogleCredentials scoped = plain.createScoped(CloudTasksSettings.getDefaultServiceScopes());
      create(CloudTasksSettings.newBuilder().setEndpoint(address), scoped, arguments[1]);
      create(CloudTasksSettings.newBuilder().setEndpoint(address), plain, arguments[1]);
      create(CloudTasksSettings.newHttpJsonBuilder().setEndpoint("https://" + address), scoped, arguments[1]);
    }
  }

  private static void create(CloudTasksSettings.Builder settings, GoogleCredentials credentials, String queue)
      throws Exception {
    settings.setCredentialsProvider(FixedCredentialsProvider.create(credentials));
    Task task = Task.newBuilder().setHttpRequest(HttpRequest.newBuilder().setUrl("http://127.0.0.1:9/")).build();
    try (CloudTasksClient client = CloudTasksClient.create(settings.build())) {
      System.out.println(client.createTask(queue, task).getName().startsWith(queue) ? "True" : "another name");
    } catch (ApiException error) {
      StringBuilder line = new StringBuilder().append(error.getStatusCode().getCode().getHttpStatusCode());
      for (Throwable cause = error; cause != null; cause = cause.getCause()) { // over REST the text is in a cause
        line.append(" ").append(cause.getMessage());
      }
      System.out.println(line.toString().replace("\n", " "));
    }
  }
}
