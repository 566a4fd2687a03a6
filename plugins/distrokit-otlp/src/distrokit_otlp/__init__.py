"""distrokit plugin: OTLP over grpc and http/protobuf."""
