/** The simulated provider as Terraform talks to it: plugin protocol 5 over gRPC, on loopback. */
import { setMaxListeners } from "node:events";
import { join } from "node:path";
import {
  loadPackageDefinition,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type ServiceClientConstructor,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { messageOf } from "../aws/aws-error";
import type { SimulatedAws } from "../aws/simulated-aws";
import { type ProviderInstance, partitionOfRegion, ResourceLifecycle } from "./resource-lifecycle";
import type { DataType } from "./resource-type";
import { type BlockSchema, deriveSchema, type TypeSchema } from "./schema";
import { DATA_TYPES, RESOURCE_TYPES } from "./types";
import {
  blocksOf,
  decodeAttributes,
  encodeAttributes,
  mapOf,
  textOf,
  textsOf,
  type WireValue,
} from "./values";

/** A provider that serves Terraform. */
export interface RunningProvider {
  /** Value of `TF_REATTACH_PROVIDERS` that makes Terraform and OpenTofu take it as hashicorp/aws. */
  readonly reattach: string;
  /** Ends it at once; calls that are under way get no answer. */
  stop(): void;
  /** Whether it has ended, by itself or because it was stopped. */
  hasEnded(): boolean;
}

interface Request {
  readonly type_name: string;
  readonly id: string;
  readonly config: WireValue;
  readonly prior_state: WireValue;
  readonly proposed_new_state: WireValue;
  readonly planned_state: WireValue;
  readonly current_state: WireValue;
  readonly raw_state: { readonly json: Uint8Array };
  readonly private: Uint8Array;
  readonly planned_private: Uint8Array;
}

type Handler = (request: Request, peer: string) => object | Promise<object>;

/** Where the provider is looked up: Terraform and OpenTofu have a registry each. */
const PROVIDER_ADDRESSES = [
  "registry.terraform.io/hashicorp/aws",
  "registry.opentofu.org/hashicorp/aws",
];

/**
 * Starts a provider for one simulated account.
 *
 * Terraform opens a connection for each instance of the provider, so the peer's port tells them
 * apart: it takes TCP, since over a Unix socket all peers look alike.
 *
 * @see https://developer.hashicorp.com/terraform/plugin/debugging#running-terraform-with-a-provider-in-debug-mode
 */
export async function startProvider(aws: SimulatedAws): Promise<RunningProvider> {
  const server = new Server({
    "grpc.max_receive_message_length": -1,
    "grpc.max_send_message_length": -1,
  });
  server.addService(serviceDefinition(), implementation(new ProviderService(aws).handlers()));
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  let ended = false;
  const provider = {
    Protocol: "grpc",
    ProtocolVersion: 5,
    Pid: process.pid,
    // Without this Terraform ends the process when it is done.
    Test: true,
    Addr: { Network: "tcp", String: `127.0.0.1:${port}` },
  };
  return {
    reattach: JSON.stringify(
      Object.fromEntries(PROVIDER_ADDRESSES.map((address) => [address, provider])),
    ),
    stop: () => {
      ended = true;
      server.forceShutdown();
    },
    hasEnded: () => ended,
  };
}

function serviceDefinition(): ServiceClientConstructor["service"] {
  const definition = loadSync(join(__dirname, "tfplugin5.proto"), {
    keepCase: true,
    longs: Number,
    enums: String,
    defaults: true,
  });
  const { tfplugin5 } = loadPackageDefinition(definition) as unknown as {
    readonly tfplugin5: { readonly Provider: ServiceClientConstructor };
  };
  return tfplugin5.Provider.service;
}

/** Turns whatever a handler throws into a diagnostic, as a provider must. */
function implementation(handlers: Readonly<Record<string, Handler>>): UntypedServiceImplementation {
  return Object.fromEntries(
    Object.entries(handlers).map(([name, handler]) => [
      name,
      (
        call: ServerUnaryCall<Request, object>,
        answer: (error: null, response: object) => void,
      ): void => {
        void Promise.resolve()
          .then(() => handler(call.request, call.getPeer()))
          .catch((error: unknown) => ({ diagnostics: [diagnostic(error)] }))
          .then((response) => answer(null, response));
      },
    ]),
  );
}

function diagnostic(error: unknown): object {
  return { severity: "ERROR", summary: messageOf(error), detail: "" };
}

/** The calls of the protocol. */
class ProviderService {
  private readonly provider: TypeSchema;
  private readonly resources = new Map<string, ResourceLifecycle>();
  private readonly data = new Map<string, { type: DataType; schema: TypeSchema }>();
  /** The configured provider of each connection. */
  private readonly instances = new Map<string, ProviderInstance>();
  private readonly stopped = new Map<string, AbortController>();

  constructor(private readonly aws: SimulatedAws) {
    this.provider = deriveSchema("provider");
    for (const type of RESOURCE_TYPES) {
      const schema = deriveSchema(type.bindings);
      this.resources.set(schema.terraformType, new ResourceLifecycle(type, schema));
    }
    for (const type of DATA_TYPES) {
      const schema = deriveSchema(type.bindings);
      this.data.set(schema.terraformType, { type, schema });
    }
  }

  handlers(): Readonly<Record<string, Handler>> {
    return {
      GetSchema: () => this.schemas(),
      PrepareProviderConfig: ({ config }) => ({ prepared_config: config }),
      Configure: ({ config }, peer) => this.configure(config, peer),
      ValidateResourceTypeConfig: (request) => this.validate(request),
      ValidateDataSourceConfig: () => ({}),
      UpgradeResourceState: ({ raw_state }) => ({ upgraded_state: { json: raw_state.json } }),
      ReadResource: (request, peer) => this.read(request, peer),
      PlanResourceChange: (request, peer) => this.plan(request, peer),
      ApplyResourceChange: (request, peer) => this.apply(request, peer),
      ImportResourceState: (request, peer) => this.import(request, peer),
      ReadDataSource: (request, peer) => this.readData(request, peer),
      Stop: (_request, peer) => {
        this.stopped.get(peer)?.abort();
        return {};
      },
    };
  }

  private schemas(): object {
    const schemaOf = ({ block }: TypeSchema, sensitive: readonly string[] = []) => ({
      version: 0,
      block: wireBlock(block, sensitive),
    });
    return {
      provider: schemaOf(this.provider),
      resource_schemas: Object.fromEntries(
        [...this.resources].map(([name, { schema }]) => [name, schemaOf(schema)]),
      ),
      data_source_schemas: Object.fromEntries(
        [...this.data].map(([name, { schema, type }]) => [name, schemaOf(schema, type.sensitive)]),
      ),
      server_capabilities: { get_provider_schema_optional: true },
    };
  }

  /** Takes the region and the default tags of a connection, and refuses a wrong account. */
  private configure(wire: WireValue, peer: string): object {
    const config = decodeAttributes(wire) ?? {};
    const region = textOf(config, "region");
    const partition = partitionOfRegion(region);
    const { account, partition: ofCredentials } = this.aws.caller;
    if (partition !== ofCredentials) {
      throw new Error(
        "validating provider credentials: retrieving caller identity from STS: operation error STS: GetCallerIdentity, https response error StatusCode: 403, InvalidClientTokenId: The security token included in the request is invalid.",
      );
    }
    const allowed = textsOf(config, "allowed_account_ids");
    if (
      (allowed.length > 0 && !allowed.includes(account)) ||
      textsOf(config, "forbidden_account_ids").includes(account)
    ) {
      throw new Error(`AWS account ID not allowed: ${account}`);
    }
    const stop = new AbortController();
    // One call of each resource may wait at a time: as many as Terraform has been told to work on.
    setMaxListeners(0, stop.signal);
    this.stopped.set(peer, stop);
    this.instances.set(peer, {
      aws: this.aws.stoppedBy(stop.signal),
      account,
      partition,
      region,
      defaultTags: Object.assign(
        {},
        ...blocksOf(config, "default_tags").map((block) => mapOf(block, "tags")),
      ),
    });
    return {};
  }

  private validate({ type_name, config }: Request): object {
    const { type } = this.resource(type_name);
    return {
      diagnostics: (type.problems?.(decodeAttributes(config) ?? {}) ?? []).map((problem) =>
        diagnostic(problem),
      ),
    };
  }

  private async read({ type_name, current_state, ...request }: Request, peer: string) {
    const state = decodeAttributes(current_state);
    const found =
      state === null ? null : await this.resource(type_name).refresh(this.instance(peer), state);
    return { new_state: encodeAttributes(found), private: request.private };
  }

  private plan(request: Request, peer: string): object {
    const proposed = decodeAttributes(request.proposed_new_state);
    if (proposed === null) {
      return { planned_state: request.proposed_new_state };
    }
    const { planned, replacing } = this.resource(request.type_name).plan(
      this.instance(peer),
      decodeAttributes(request.prior_state),
      proposed,
      decodeAttributes(request.config) ?? {},
    );
    return {
      planned_state: encodeAttributes(planned),
      requires_replace: replacing.map((attribute_name) => ({ steps: [{ attribute_name }] })),
      // As the real provider: it fills in defaults of arguments that are not computed.
      legacy_type_system: true,
    };
  }

  private async apply(request: Request, peer: string): Promise<object> {
    const { state, error } = await this.resource(request.type_name).apply(
      this.instance(peer),
      decodeAttributes(request.prior_state),
      decodeAttributes(request.planned_state),
      decodeAttributes(request.config),
    );
    return {
      new_state: encodeAttributes(state),
      private: request.planned_private,
      diagnostics: error === undefined ? [] : [diagnostic(error)],
      legacy_type_system: true,
    };
  }

  private async import({ type_name, id }: Request, peer: string): Promise<object> {
    const state = await this.resource(type_name).import(this.instance(peer), id);
    return { imported_resources: [{ type_name, state: encodeAttributes(state) }] };
  }

  private async readData({ type_name, config: wire }: Request, peer: string): Promise<object> {
    const found = this.data.get(type_name);
    if (found === undefined) {
      throw new Error(`the sandbox does not know the data source ${type_name}`);
    }
    const config = decodeAttributes(wire) ?? {};
    const { aws, account, partition, region } = this.instance(peer);
    const at = { account, partition, region: textOf(config, "region") || region };
    return {
      state: encodeAttributes({ ...config, ...(await found.type.read({ aws, at }, config)) }),
    };
  }

  private resource(name: string): ResourceLifecycle {
    const resource = this.resources.get(name);
    if (resource === undefined) {
      throw new Error(`the sandbox does not know the resource type ${name}`);
    }
    return resource;
  }

  private instance(peer: string): ProviderInstance {
    const instance = this.instances.get(peer);
    if (instance === undefined) {
      throw new Error("Terraform has not configured the provider on this connection");
    }
    return instance;
  }
}

/** @param sensitive - attributes of the block itself that Terraform does not show */
function wireBlock({ attributes, blocks }: BlockSchema, sensitive: readonly string[] = []): object {
  return {
    version: 0,
    attributes: [...attributes].map(([name, { type, required, optional, computed }]) => ({
      name,
      type: Buffer.from(JSON.stringify(type)),
      required,
      optional,
      computed,
      sensitive: sensitive.includes(name),
    })),
    block_types: [...blocks].map(([type_name, { nesting, minItems, maxItems, block }]) => ({
      type_name,
      nesting,
      min_items: minItems,
      max_items: maxItems,
      block: wireBlock(block),
    })),
  };
}
