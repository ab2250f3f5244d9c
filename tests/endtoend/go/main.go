// Every method of Google's Go client, once. Prints what came back as one JSON object, a member a step.
//
//	program HOST:PORT grpc|rest URL_OF_THE_HANDLER
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"os"
	"strings"
	"time"

	cloudtasks "cloud.google.com/go/cloudtasks/apiv2"
	pb "cloud.google.com/go/cloudtasks/apiv2/cloudtaskspb"
	"cloud.google.com/go/iam/apiv1/iampb"
	"cloud.google.com/go/longrunning/autogen/longrunningpb"
	"github.com/googleapis/gax-go/v2/apierror"
	"google.golang.org/api/googleapi"
	"google.golang.org/api/iterator"
	"google.golang.org/api/option"
	"google.golang.org/genproto/googleapis/cloud/location"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

const place = "projects/p/locations/us-central1"

var httpStatus = map[codes.Code]int{
	codes.InvalidArgument:    400,
	codes.FailedPrecondition: 400,
	codes.NotFound:           404,
	codes.AlreadyExists:      409,
}

type walk struct {
	context context.Context
	client  *cloudtasks.Client
	queue   string
	handler string
	report  map[string]any
}

func main() {
	address, transport, handler := os.Args[1], os.Args[2], os.Args[3]
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Second)
	defer cancel()
	client, err := connect(ctx, address, transport)
	must(err)
	defer client.Close()
	w := &walk{ctx, client, place + "/queues/go-" + transport, handler, map[string]any{}}
	w.queues()
	w.policies()
	w.tasks()
	w.batches()
	w.keys()
	w.finished("now")
	w.finished("far")
	w.ends()
	must(json.NewEncoder(os.Stdout).Encode(w.report))
}

func connect(ctx context.Context, address, transport string) (*cloudtasks.Client, error) {
	if transport == "rest" {
		return cloudtasks.NewRESTClient(ctx, option.WithEndpoint("http://"+address), option.WithoutAuthentication())
	}
	plain := option.WithGRPCDialOption(grpc.WithTransportCredentials(insecure.NewCredentials()))
	return cloudtasks.NewClient(ctx, option.WithEndpoint(address), option.WithoutAuthentication(), plain)
}

func (w *walk) queues() {
	made, err := w.client.CreateQueue(w.context, &pb.CreateQueueRequest{Parent: place, Queue: &pb.Queue{
		Name:        w.queue,
		RateLimits:  &pb.RateLimits{MaxDispatchesPerSecond: 77},
		RetryConfig: &pb.RetryConfig{MaxAttempts: 5},
	}})
	must(err)
	w.report["createQueue"] = []any{made.State.String(), made.RateLimits.MaxBurstSize, made.RetryConfig.MaxAttempts}
	_, err = w.client.CreateQueue(w.context, &pb.CreateQueueRequest{Parent: place, Queue: &pb.Queue{Name: w.queue}})
	w.report["createQueueTwice"] = refusal(err)
	queues := w.client.ListQueues(w.context, &pb.ListQueuesRequest{Parent: place, PageSize: 1})
	w.report["listQueues"] = found(queues.Next, func(queue *pb.Queue) bool { return queue.Name == w.queue })
	changed, err := w.client.UpdateQueue(w.context, &pb.UpdateQueueRequest{
		Queue: &pb.Queue{
			Name:        w.queue,
			RetryConfig: &pb.RetryConfig{MaxAttempts: 7, MinBackoff: durationpb.New(9 * time.Second)},
		},
		UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"retry_config.max_attempts"}},
	})
	must(err)
	w.report["updateQueue"] = []any{changed.RetryConfig.MaxAttempts, changed.RetryConfig.MinBackoff.Nanos}
	paused, err := w.client.PauseQueue(w.context, &pb.PauseQueueRequest{Name: w.queue})
	must(err)
	w.report["pauseQueue"] = paused.State.String()
	resumed, err := w.client.ResumeQueue(w.context, &pb.ResumeQueueRequest{Name: w.queue})
	must(err)
	w.report["resumeQueue"] = resumed.State.String()
	got, err := w.client.GetQueue(w.context, &pb.GetQueueRequest{Name: w.queue})
	must(err)
	w.report["getQueue"] = got.Name == w.queue
	where, err := w.client.GetLocation(w.context, &location.GetLocationRequest{Name: place})
	must(err)
	w.report["getLocation"] = where.LocationId
	locations := w.client.ListLocations(w.context, &location.ListLocationsRequest{Name: "projects/p"})
	w.report["listLocations"] = found(locations.Next, func(at *location.Location) bool { return at.Name == place })
}

func (w *walk) policies() {
	policy := &iampb.Policy{Bindings: []*iampb.Binding{
		{Role: "roles/cloudtasks.enqueuer", Members: []string{"user:a@example.com"}},
	}}
	set, err := w.client.SetIamPolicy(w.context, &iampb.SetIamPolicyRequest{Resource: w.queue, Policy: policy})
	must(err)
	w.report["setIamPolicy"] = set.Bindings[0].Members
	got, err := w.client.GetIamPolicy(w.context, &iampb.GetIamPolicyRequest{Resource: w.queue})
	must(err)
	w.report["getIamPolicy"] = got.Bindings[0].Role
	tested, err := w.client.TestIamPermissions(w.context, &iampb.TestIamPermissionsRequest{
		Resource: w.queue, Permissions: []string{"cloudtasks.tasks.create"},
	})
	must(err)
	w.report["testIamPermissions"] = tested.Permissions
}

func (w *walk) task(name string) *pb.Task {
	return &pb.Task{Name: w.queue + "/tasks/" + name, MessageType: &pb.Task_HttpRequest{HttpRequest: &pb.HttpRequest{
		Url:        w.handler,
		HttpMethod: pb.HttpMethod_PUT,
		Headers:    map[string]string{"X-Made": "yes"},
		Body:       []byte("tide"),
	}}}
}

func (w *walk) far(name string) *pb.Task {
	task := w.task(name)
	task.ScheduleTime = timestamppb.New(time.Now().Add(time.Hour).Truncate(time.Second))
	return task
}

func (w *walk) create(task *pb.Task) (*pb.Task, error) {
	return w.client.CreateTask(w.context, &pb.CreateTaskRequest{Parent: w.queue, Task: task})
}

func (w *walk) tasks() {
	made, err := w.create(w.task("now"))
	must(err)
	http := made.GetHttpRequest()
	w.report["createTask"] = []any{http.HttpMethod.String(), http.Headers["X-Made"], made.View.String()}
	far := w.far("far")
	_, err = w.create(far)
	must(err)
	_, err = w.create(far)
	w.report["createTaskTwice"] = refusal(err)
	full, err := w.client.GetTask(w.context, &pb.GetTaskRequest{Name: far.Name, ResponseView: pb.Task_FULL})
	must(err)
	body := string(full.GetHttpRequest().Body)
	w.report["getTask"] = []any{body, full.ScheduleTime.AsTime().Equal(far.ScheduleTime.AsTime())}
	_, err = w.client.GetTask(w.context, &pb.GetTaskRequest{Name: w.queue + "/tasks/missing"})
	w.report["getTaskMissing"] = refusal(err)
	tasks := w.client.ListTasks(w.context, &pb.ListTasksRequest{Parent: w.queue})
	w.report["listTasks"] = found(tasks.Next, func(task *pb.Task) bool { return task.Name == far.Name })
	forced, err := w.client.RunTask(w.context, &pb.RunTaskRequest{Name: far.Name})
	must(err)
	w.report["runTask"] = forced.DispatchCount
	deleted := w.far("deleted")
	_, err = w.create(deleted)
	must(err)
	must(w.client.DeleteTask(w.context, &pb.DeleteTaskRequest{Name: deleted.Name}))
	w.report["deleteTask"] = refusal(w.client.DeleteTask(w.context, &pb.DeleteTaskRequest{Name: deleted.Name}))
	bad := &pb.Task{MessageType: &pb.Task_HttpRequest{HttpRequest: &pb.HttpRequest{Url: "ftp://a"}}}
	_, err = w.create(bad)
	w.report["createTaskBad"] = refusal(err)
}

func (w *walk) batches() {
	var requests []*pb.CreateTaskRequest
	var names []string
	for _, name := range []string{"batch-1", "batch-2"} {
		task := w.far(name)
		requests = append(requests, &pb.CreateTaskRequest{Parent: w.queue, Task: task})
		names = append(names, task.Name)
	}
	creating, err := w.client.BatchCreateTasks(w.context, &pb.BatchCreateTasksRequest{Parent: w.queue, Requests: requests})
	must(err)
	created, err := creating.Wait(w.context)
	must(err)
	var made []string
	for _, task := range created.Tasks {
		made = append(made, task.Name[strings.LastIndex(task.Name, "/")+1:])
	}
	w.report["batchCreateTasks"] = made
	operation, err := w.client.GetOperation(w.context, &longrunningpb.GetOperationRequest{Name: creating.Name()})
	must(err)
	w.report["getOperation"] = operation.Done
	deleting, err := w.client.BatchDeleteTasks(w.context, &pb.BatchDeleteTasksRequest{Parent: w.queue, Names: names})
	must(err)
	must(deleting.Wait(w.context))
	_, err = w.client.GetTask(w.context, &pb.GetTaskRequest{Name: names[0]})
	w.report["batchDeleteTasks"] = strings.HasPrefix(refusal(err), "404 ")
}

func (w *walk) keys() {
	name := place + "/cmekConfig"
	updated, err := w.client.UpdateCmekConfig(w.context, &pb.UpdateCmekConfigRequest{
		CmekConfig: &pb.CmekConfig{Name: name}, UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"kms_key"}},
	})
	must(err)
	w.report["updateCmekConfig"] = updated.KmsKey
	got, err := w.client.GetCmekConfig(w.context, &pb.GetCmekConfigRequest{Name: name})
	must(err)
	w.report["getCmekConfig"] = got.Name == name
}

// Both tasks that are sent get a good answer, and are then no more.
func (w *walk) finished(name string) {
	for {
		_, err := w.client.GetTask(w.context, &pb.GetTaskRequest{Name: w.queue + "/tasks/" + name})
		if err != nil {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func (w *walk) ends() {
	purged, err := w.client.PurgeQueue(w.context, &pb.PurgeQueueRequest{Name: w.queue})
	must(err)
	w.report["purgeQueue"] = purged.PurgeTime != nil
	must(w.client.DeleteQueue(w.context, &pb.DeleteQueueRequest{Name: w.queue}))
	w.report["deleteQueue"] = refusal(w.client.DeleteQueue(w.context, &pb.DeleteQueueRequest{Name: w.queue}))
}

// The HTTP status and the text of an error, whichever transport it came by.
func refusal(err error) string {
	var rest *googleapi.Error
	if errors.As(err, &rest) {
		return fmt.Sprintf("%d %s", rest.Code, rest.Message)
	}
	var api *apierror.APIError
	if !errors.As(err, &api) {
		return fmt.Sprintf("not refused: %v", err)
	}
	status := api.GRPCStatus()
	return fmt.Sprintf("%d %s", httpStatus[status.Code()], status.Message())
}

func found[T any](next func() (T, error), wanted func(T) bool) bool {
	seen := false
	for {
		item, err := next()
		if errors.Is(err, iterator.Done) {
			return seen
		}
		must(err)
		seen = seen || wanted(item)
	}
}

func must(err error) {
	if err != nil {
		log.Output(2, err.Error())
		os.Exit(1)
	}
}
