// Creates a task with Google's client and Application Default Credentials, and prints what comes of it.
// Usage: program HOST:PORT grpc|rest QUEUE
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"strings"

	cloudtasks "cloud.google.com/go/cloudtasks/apiv2"
	"cloud.google.com/go/cloudtasks/apiv2/cloudtaskspb"
	"github.com/googleapis/gax-go/v2/apierror"
	"google.golang.org/api/option"
	"google.golang.org/grpc/codes"
)

func main() {
	ctx := context.Background()
	address, transport, queue := os.Args[1], os.Args[2], os.Args[3]
	connect, endpoint := cloudtasks.NewClient, address
	if transport == "rest" {
		connect, endpoint = cloudtasks.NewRESTClient, "https://"+address
	}
	client, err := connect(ctx, option.WithEndpoint(endpoint))
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	target := &cloudtaskspb.HttpRequest{Url: "http://127.0.0.1:9/"}
	task, err := client.CreateTask(ctx, &cloudtaskspb.CreateTaskRequest{
		Parent: queue,
		Task:   &cloudtaskspb.Task{MessageType: &cloudtaskspb.Task_HttpRequest{HttpRequest: target}},
	})
	var refused *apierror.APIError
	switch {
	case err == nil && strings.HasPrefix(task.GetName(), queue):
		fmt.Println("True")
	case errors.As(err, &refused) && (refused.GRPCStatus().Code() == codes.PermissionDenied || refused.HTTPCode() == 403):
		fmt.Println("403", err)
	default:
		fmt.Println(task.GetName(), err)
	}
}
