# A cluster, a task definition with most of what one can say, and a service that Terraform waits for.
terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

provider "aws" {
  skip_metadata_api_check     = true
  skip_requesting_account_id  = false
  skip_credentials_validation = false
}

variable "image" { type = string }
variable "release" { type = string }
variable "replicas" { type = number }

data "aws_caller_identity" "me" {}

data "aws_vpc" "default" { default = true }

data "aws_subnets" "default" {
  filter {
    name   = "vpc-id"
    values = [data.aws_vpc.default.id]
  }
}

data "aws_security_group" "default" {
  vpc_id = data.aws_vpc.default.id
  name   = "default"
}

resource "aws_cloudwatch_log_group" "web" {
  name              = "/terraform/web"
  retention_in_days = 7
}

resource "aws_ecs_cluster" "main" {
  name = "terraform"
  setting {
    name  = "containerInsights"
    value = "enabled"
  }
  tags = { team = "blue" }
}

resource "aws_ecs_cluster_capacity_providers" "main" {
  cluster_name       = aws_ecs_cluster.main.name
  capacity_providers = ["FARGATE", "FARGATE_SPOT"]
  default_capacity_provider_strategy {
    capacity_provider = "FARGATE"
    base              = 1
    weight            = 1
  }
}

resource "aws_ecs_task_definition" "web" {
  family                   = "terraform-web"
  network_mode             = "awsvpc"
  requires_compatibilities = ["FARGATE"]
  cpu                      = 256
  memory                   = 512
  execution_role_arn       = "arn:aws:iam::${data.aws_caller_identity.me.account_id}:role/ecsTaskExecutionRole"
  runtime_platform {
    operating_system_family = "LINUX"
    cpu_architecture        = "X86_64"
  }
  volume { name = "scratch" }
  tags = { release = var.release }
  container_definitions = jsonencode([
    {
      name         = "web"
      image        = var.image
      command      = ["serve", "80"]
      essential    = true
      cpu          = 128
      memory       = 256
      portMappings = [{ containerPort = 80, hostPort = 80, protocol = "tcp" }]
      environment = [
        { name = "VERSION", value = var.release },
        { name = "ANOTHER", value = "one" },
      ]
      mountPoints  = [{ sourceVolume = "scratch", containerPath = "/scratch", readOnly = false }]
      ulimits      = [{ name = "nofile", softLimit = 2048, hardLimit = 4096 }]
      dockerLabels = { tier = "front" }
      stopTimeout  = 5
      healthCheck = {
        command     = ["CMD", "/probe", "get", "http://127.0.0.1:80/health"]
        interval    = 5
        timeout     = 2
        retries     = 3
        startPeriod = 1
      }
      logConfiguration = {
        logDriver = "awslogs"
        options = {
          "awslogs-group"         = aws_cloudwatch_log_group.web.name
          "awslogs-region"        = "us-east-1"
          "awslogs-stream-prefix" = "web"
        }
      }
    },
    {
      name      = "beside"
      image     = var.image
      essential = false
      dependsOn = [{ containerName = "web", condition = "HEALTHY" }]
    },
  ])
}

resource "aws_ecs_service" "web" {
  name                               = "web"
  cluster                            = aws_ecs_cluster.main.id
  task_definition                    = aws_ecs_task_definition.web.arn
  desired_count                      = var.replicas
  launch_type                        = "FARGATE"
  deployment_minimum_healthy_percent = 100
  deployment_maximum_percent         = 200
  wait_for_steady_state              = true
  propagate_tags                     = "TASK_DEFINITION"
  tags                               = { team = "blue" }
  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }
  network_configuration {
    subnets          = data.aws_subnets.default.ids
    security_groups  = [data.aws_security_group.default.id]
    assign_public_ip = true
  }
  depends_on = [aws_ecs_cluster_capacity_providers.main]
}

output "task_definition" { value = aws_ecs_task_definition.web.arn }
