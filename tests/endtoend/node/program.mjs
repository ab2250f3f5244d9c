// Every method of Google's Node client, once. Prints what came back as one JSON object, a member a step.
//
//     node program.mjs HOST:PORT grpc|rest URL_OF_THE_HANDLER

import { CloudTasksClient } from "@google-cloud/tasks";
import { grpc } from "google-gax";

const [address, transport, handler] = process.argv.slice(2);
const [servicePath, port] = address.split(":");
const client = new CloudTasksClient({
  servicePath,
  port: Number(port),
  projectId: "p",
  ...(transport === "grpc"
    ? { sslCreds: grpc.credentials.createInsecure() }
    : { fallback: true, protocol: "http", authClient: anonymous() }),
});

// What the REST transport asks of a credential: nothing to add to the request.
function anonymous() {
  return {
    getRequestHeaders: async () => new Headers(),
    fetch: (url, options) => fetch(url, options),
    request: async () => ({}),
  };
}

const location = client.locationPath("p", "us-central1");
const queue = client.queuePath("p", "us-central1", `node-${transport}`);
const task = (name) => `${queue}/tasks/${name}`;
const anHourAhead = { seconds: Math.floor(Date.now() / 1000) + 3600 };
const report = {};

const HTTP = { 3: 400, 5: 404, 6: 409, 9: 400 };

async function refused(call) {
  try {
    await call();
    return "not refused";
  } catch (error) {
    const text = typeof error.details === "string" ? error.details : error.message; // over REST details are objects
    return `${HTTP[error.code] ?? error.code} ${text}`;
  }
}

async function names(items) {
  const found = [];
  for await (const item of items) found.push(item.name.split("/").pop());
  return found;
}

async function queues() {
  const [made] = await client.createQueue({
    parent: location,
    queue: { name: queue, rateLimits: { maxDispatchesPerSecond: 77 }, retryConfig: { maxAttempts: 5 } },
  });
  report.createQueue = [made.state, made.rateLimits.maxBurstSize, made.retryConfig.maxAttempts];
  report.createQueueTwice = await refused(() => client.createQueue({ parent: location, queue: { name: queue } }));
  report.listQueues = (await names(client.listQueuesAsync({ parent: location, pageSize: 1 }))).includes(`node-${transport}`);
  const [changed] = await client.updateQueue({
    queue: { name: queue, retryConfig: { maxAttempts: 7, minBackoff: { seconds: 9 } } },
    updateMask: { paths: ["retry_config.max_attempts"] },
  });
  report.updateQueue = [changed.retryConfig.maxAttempts, changed.retryConfig.minBackoff.nanos];
  report.pauseQueue = (await client.pauseQueue({ name: queue }))[0].state;
  report.resumeQueue = (await client.resumeQueue({ name: queue }))[0].state;
  report.getQueue = (await client.getQueue({ name: queue }))[0].name === queue;
}

async function locations() {
  report.getLocation = (await client.getLocation({ name: location }))[0].locationId;
  report.listLocations = (await names(client.listLocationsAsync({ name: "projects/p" }))).includes("us-central1");
}

async function policies() {
  const bindings = [{ role: "roles/cloudtasks.enqueuer", members: ["user:a@example.com"] }];
  const [set] = await client.setIamPolicy({ resource: queue, policy: { bindings } });
  report.setIamPolicy = set.bindings[0].members;
  report.getIamPolicy = (await client.getIamPolicy({ resource: queue }))[0].bindings[0].role;
  const permissions = ["cloudtasks.tasks.create"];
  report.testIamPermissions = (await client.testIamPermissions({ resource: queue, permissions }))[0].permissions;
}

async function tasks() {
  const httpRequest = { url: handler, httpMethod: "PUT", headers: { "X-Made": "yes" }, body: Buffer.from("tide") };
  const [made] = await client.createTask({ parent: queue, task: { name: task("now"), httpRequest } });
  report.createTask = [made.httpRequest.httpMethod, made.httpRequest.headers["X-Made"], made.view];
  const far = { name: task("far"), httpRequest, scheduleTime: anHourAhead };
  await client.createTask({ parent: queue, task: far });
  report.createTaskTwice = await refused(() => client.createTask({ parent: queue, task: far }));
  const [full] = await client.getTask({ name: far.name, responseView: "FULL" });
  report.getTask = [Buffer.from(full.httpRequest.body).toString(), Number(full.scheduleTime.seconds) === anHourAhead.seconds];
  report.getTaskMissing = await refused(() => client.getTask({ name: task("missing") }));
  report.listTasks = (await names(client.listTasksAsync({ parent: queue }))).includes("far");
  report.runTask = (await client.runTask({ name: far.name }))[0].dispatchCount;
  await client.createTask({ parent: queue, task: { ...far, name: task("deleted") } });
  await client.deleteTask({ name: task("deleted") });
  report.deleteTask = await refused(() => client.deleteTask({ name: task("deleted") }));
  report.createTaskBad = await refused(() => client.createTask({ parent: queue, task: { httpRequest: { url: "ftp://a" } } }));
}

// Both tasks that are sent get a good answer, and are then no more.
async function finished(name) {
  while ((await refused(() => client.getTask({ name: task(name) }))) === "not refused") {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function ends() {
  report.purgeQueue = (await client.purgeQueue({ name: queue }))[0].purgeTime != null;
  await client.deleteQueue({ name: queue });
  report.deleteQueue = await refused(() => client.deleteQueue({ name: queue }));
}

await queues();
await locations();
await policies();
await tasks();
await finished("now");
await finished("far");
await ends();
console.log(JSON.stringify(report));
await client.close();
