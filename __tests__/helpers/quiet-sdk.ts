/** Runs before each test file: the AWS SDK otherwise warns of Node 20 in each. The commands say the same at their start. */
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = "true";
