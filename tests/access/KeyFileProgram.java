import com.google.api.gax.rpc.ApiException;
import com.google.cloud.tasks.v2.CloudTasksClient;
import com.google.cloud.tasks.v2.CloudTasksSettings;
import com.google.cloud.tasks.v2.HttpRequest;
import com.google.cloud.tasks.v2.Task;

/**
 * Creates a task with Google's client and Application Default Credentials, and prints what comes of it. Arguments:
 * HOST:PORT grpc|rest QUEUE.
 */
public class KeyFileProgram {
  public static void main(String[] arguments) throws Exception {
    String address = arguments[0];
    String queue = arguments[2];
    CloudTasksSettings.Builder settings =
        arguments[1].equals("rest")
            ? CloudTasksSettings.newHttpJsonBuilder().setEndpoint("https://" + address)
            : CloudTasksSettings.newBuilder().setEndpoint(address);
    Task task = Task.newBuilder().setHttpRequest(HttpRequest.newBuilder().setUrl("http://127.0.0.1:9/")).build();
    try (CloudTasksClient client = CloudTasksClient.create(settings.build())) {
      System.out.println(client.createTask(queue, task).getName().startsWith(queue) ? "True" : "another name");
    } catch (ApiException error) {
      int code = error.getStatusCode().getCode().getHttpStatusCode();
      System.out.print(code);
      for (Throwable cause = error; cause != null; cause = cause.getCause()) { // over REST the text is in a cause
        System.out.print(" " + cause.getMessage());
      }
    }
  }
}
