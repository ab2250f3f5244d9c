// Creates a task with Google's client and Application Default Credentials, and prints what comes of it.
// Usage: key_file_program.mjs HOST:PORT grpc|rest QUEUE
import {CloudTasksClient} from '@google-cloud/tasks';

const [address, transport, queue] = process.argv.slice(2);
const [host, port] = address.split(':');
const client = new CloudTasksClient({apiEndpoint: host, port: Number(port), fallback: transport === 'rest'});
try {
  const [task] = await client.createTask({parent: queue, task: {httpRequest: {url: 'http://127.0.0.1:9/'}}});
  console.log(task.name.startsWith(queue) ? 'True' : task.name);
} catch (error) {
  console.log(`${error.code === 7 ? 403 : error.code} ${typeof error.details === 'string' ? error.details : error.message}`);
}
process.exit();
