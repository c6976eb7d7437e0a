// A model of the calls of cuDNN that recurrence/cudnn/ makes, on the stand-in's streams, with
// the reference LSTM behind them. It shows whether our side keeps cuDNN's rules as its reference
// words them (what goes where, which arrays must stay, sizes, order of calls), and nothing about
// cuDNN itself. The matrices lie in an order and with gaps that no one would guess, each call
// spoils the whole workspace, and backward compares all that must not have changed since forward.
#include <cuda_runtime_api.h>
#include <cudnn.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/fp16.hpp"
#include "recurrence/cudnn/library.hpp"
#include "sluice/base/bf16.hpp"
#include "standin/standin.hpp"
#include "support/reference_lstm.hpp"

namespace reference = sluice::reference;
using reference::Vector;

struct cudnnContext {
  cudaStream_t stream = nullptr;
};
struct cudnnRNNStruct {
  cudnnRNNAlgo_t algorithm{};
  cudnnRNNBiasMode_t bias{};
  cudnnDataType_t type{};
  int C = 0, H = 0, L = 0, built = 0;
  cudnnDropoutDescriptor_t dropout = nullptr;
};
struct cudnnDropoutStruct {
  float rate = -1;
  void* states = nullptr;
};
struct cudnnRNNDataStruct {
  cudnnDataType_t type{};
  int T = 0, N = 0, width = 0;
};
struct cudnnTensorStruct {
  cudnnDataType_t type{};
  std::vector<int> sizes, strides;
};

namespace {

constexpr std::size_t kGap = 24, kWorkspace = 1000, kReserve = 520, kDropoutStates = 300;
thread_local std::string last_error;

cudnnStatus_t refuse(cudnnStatus_t status, const char* why) {
  last_error = why;
  return status;
}

void expect(bool truth, const char* rule) {
  if (!truth) throw std::logic_error(std::string("cuDNN's rule is broken: ") + rule);
}

std::size_t bytes_of(cudnnDataType_t type) { return type == CUDNN_DATA_FLOAT ? 4 : 2; }

double read(cudnnDataType_t type, const void* from, std::size_t i) {
  if (type == CUDNN_DATA_FLOAT) return static_cast<const float*>(from)[i];
  if (type == CUDNN_DATA_HALF) return to_float(static_cast<const sluice::Fp16*>(from)[i]);
  return to_float(static_cast<const sluice::Bf16*>(from)[i]);
}

void write(cudnnDataType_t type, void* to, std::size_t i, double value) {
  const auto x = static_cast<float>(value);
  if (type == CUDNN_DATA_FLOAT) {
    static_cast<float*>(to)[i] = x;
  } else if (type == CUDNN_DATA_HALF) {
    static_cast<sluice::Fp16*>(to)[i] = sluice::to_fp16(x);
  } else {
    static_cast<sluice::Bf16*>(to)[i] = sluice::to_bf16(x);
  }
}

/// `size` numbers, or zeros from null.
Vector read_all(cudnnDataType_t type, const void* from, std::size_t size) {
  Vector out(size, 0.0);
  for (std::size_t i = 0; from != nullptr && i < size; ++i) out[i] = read(type, from, i);
  return out;
}

/// Nothing to null.
void write_all(cudnnDataType_t type, void* to, const Vector& values) {
  for (std::size_t i = 0; to != nullptr && i < values.size(); ++i) write(type, to, i, values[i]);
}

// ---- the weight space: for each layer, gate by gate from the last to the first, R before W; then
// ---- the biases, recurrent ones first where there are two

struct Place {
  std::size_t at = 0, rows = 0, columns = 0;
};

std::size_t width_of(const cudnnRNNStruct& rnn, int l) {
  return static_cast<std::size_t>(l == 0 ? rnn.C : rnn.H);
}

/// Places of matrix and bias (rows 0: there is none); id -1: the end of the layer.
std::pair<Place, Place> place_of(const cudnnRNNStruct& rnn, int layer, int id) {
  const auto H = static_cast<std::size_t>(rnn.H);
  std::size_t at = kGap;
  for (int l = 0;; ++l) {
    std::map<int, std::pair<Place, Place>> places;
    for (int i = 7; i >= 0; --i) {
      const std::size_t columns = i >= 4 ? H : width_of(rnn, l);
      places[i].first = {at, H, columns};
      at += H * columns + kGap;
    }
    for (int i = 7; i >= 0; --i) {
      if (i >= 4 && rnn.bias != CUDNN_RNN_DOUBLE_BIAS) continue;
      places[i].second = {at, H, 1};
      at += H + kGap;
    }
    if (l == layer) return id < 0 ? std::pair{Place{at, 0, 0}, Place{}} : places[id];
  }
}

std::size_t weight_bytes(const cudnnRNNStruct& rnn) {
  return place_of(rnn, rnn.L - 1, -1).first.at * bytes_of(rnn.type);
}

/// Calls body(place in the space, place in the reference's order) for every weight. Second biases
/// come at the place of the first: they add up.
template <typename Body>
void for_each_weight(const cudnnRNNStruct& rnn, Body body) {
  const auto H = static_cast<std::size_t>(rnn.H);
  std::size_t flat = 0;
  for (int l = 0; l < rnn.L; ++l) {
    const std::size_t I = width_of(rnn, l);
    for (int id = 0; id < 8; ++id) {
      const auto [matrix, bias] = place_of(rnn, l, id);
      const auto gate = static_cast<std::size_t>(id % 4);
      const std::size_t begin = flat + (id >= 4 ? 4 * H * I : 0) + gate * H * matrix.columns;
      for (std::size_t i = 0; i < H * matrix.columns; ++i) body(matrix.at + i, begin + i);
      for (std::size_t i = 0; i < bias.rows; ++i) {
        body(bias.at + i, flat + 4 * H * (I + H) + gate * H + i);
      }
    }
    flat += 4 * H * (I + H + 1);
  }
}

// ---- what forward keeps, by the address of its reserve space

struct Kept {
  cudnnRNNStruct rnn;
  reference::LstmShape shape;
  reference::LstmInput input;
  reference::LstmTrace trace;
  Vector y;  // as it was written
  const void *x_at = nullptr, *y_at = nullptr, *hx_at = nullptr, *cx_at = nullptr;
  reference::LstmGradients gradients;
  bool backward_done = false;
};
std::map<const void*, Kept>& kept() {
  static std::map<const void*, Kept> all;
  return all;
}

void spoil(void* space, std::size_t bytes) { std::memset(space, 0xa5, bytes); }

void mark(void* reserve) { std::memset(reserve, 0x3c, kReserve); }
void expect_mark(const void* reserve) {
  const auto* bytes = static_cast<const unsigned char*>(reserve);
  expect(std::all_of(bytes, bytes + kReserve, [](unsigned char b) { return b == 0x3c; }),
         "the reserve space stays as it is between forward and backward");
}

}  // namespace

namespace sluice {
/// The model is linked; the loader of the same name looks at the C library in its place.
const SharedLibrary& cudnn_library() {
  static const SharedLibrary library("the model of cuDNN", "libc.so.6", "");
  return library;
}
}  // namespace sluice

size_t cudnnGetVersion() { return CUDNN_VERSION; }

const char* cudnnGetErrorString(cudnnStatus_t status) {
  switch (status) {
    case CUDNN_STATUS_NOT_SUPPORTED:
      return "CUDNN_STATUS_NOT_SUPPORTED";
    case CUDNN_STATUS_BAD_PARAM:
      return "CUDNN_STATUS_BAD_PARAM";
    default:
      return "CUDNN_STATUS_INTERNAL_ERROR";
  }
}

void cudnnGetLastErrorString(char* message, size_t max_size) {
  std::strncpy(message, last_error.c_str(), max_size);
  last_error.clear();
}

cudnnStatus_t cudnnCreate(cudnnHandle_t* handle) {
  *handle = new cudnnContext;
  return CUDNN_STATUS_SUCCESS;
}
cudnnStatus_t cudnnDestroy(cudnnHandle_t handle) {
  delete handle;
  return CUDNN_STATUS_SUCCESS;
}
cudnnStatus_t cudnnSetStream(cudnnHandle_t handle, cudaStream_t stream) {
  handle->stream = stream;
  return CUDNN_STATUS_SUCCESS;
}
cudnnStatus_t cudnnCreateRNNDescriptor(cudnnRNNDescriptor_t* descriptor) {
  *descriptor = new cudnnRNNStruct;
  return CUDNN_STATUS_SUCCESS;
}
cudnnStatus_t cudnnDestroyRNNDescriptor(cudnnRNNDescriptor_t descriptor) {
  delete descriptor;
  return CUDNN_STATUS_SUCCESS;
}
cudnnStatus_t cudnnCreateRNNDataDescriptor(cudnnRNNDataDescriptor_t* descriptor) {
  *descriptor = new cudnnRNNDataStruct;
  return CUDNN_STATUS_SUCCESS;
}
cudnnStatus_t cudnnDestroyRNNDataDescriptor(cudnnRNNDataDescriptor_t descriptor) {
  delete descriptor;
  return CUDNN_STATUS_SUCCESS;
}
cudnnStatus_t cudnnCreateTensorDescriptor(cudnnTensorDescriptor_t* descriptor) {
  *descriptor = new cudnnTensorStruct;
  return CUDNN_STATUS_SUCCESS;
}
cudnnStatus_t cudnnDestroyTensorDescriptor(cudnnTensorDescriptor_t descriptor) {
  delete descriptor;
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnCreateDropoutDescriptor(cudnnDropoutDescriptor_t* descriptor) {
  *descriptor = new cudnnDropoutStruct;
  return CUDNN_STATUS_SUCCESS;
}
cudnnStatus_t cudnnDestroyDropoutDescriptor(cudnnDropoutDescriptor_t descriptor) {
  delete descriptor;
  return CUDNN_STATUS_SUCCESS;
}
cudnnStatus_t cudnnDropoutGetStatesSize(cudnnHandle_t, size_t* bytes) {
  *bytes = kDropoutStates;
  return CUDNN_STATUS_SUCCESS;
}
cudnnStatus_t cudnnSetDropoutDescriptor(cudnnDropoutDescriptor_t descriptor, cudnnHandle_t handle,
                                        float rate, void* states, size_t bytes,
                                        unsigned long long) {
  if (bytes < kDropoutStates) return refuse(CUDNN_STATUS_INVALID_VALUE, "too few states");
  *descriptor = {rate, states};
  standin::enqueue_kernel(handle->stream, [=] { std::memset(states, 0x5d, kDropoutStates); });
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnSetRNNDescriptor_v8(cudnnRNNDescriptor_t rnn, cudnnRNNAlgo_t algorithm,
                                       cudnnRNNMode_t cell, cudnnRNNBiasMode_t bias,
                                       cudnnDirectionMode_t direction, cudnnRNNInputMode_t input,
                                       cudnnDataType_t type, cudnnDataType_t math_type,
                                       cudnnMathType_t, int32_t C, int32_t H, int32_t projection,
                                       int32_t L, cudnnDropoutDescriptor_t dropout,
                                       uint32_t flags) {
  if (C < 1 || H < 1 || L < 1) return refuse(CUDNN_STATUS_BAD_PARAM, "inputSize < 1 || ...");
  if (algorithm != CUDNN_RNN_ALGO_STANDARD && bias != CUDNN_RNN_DOUBLE_BIAS) {
    return refuse(CUDNN_STATUS_NOT_SUPPORTED, "");
  }
  expect(cell == CUDNN_LSTM && direction == CUDNN_UNIDIRECTIONAL && input == CUDNN_LINEAR_INPUT &&
             math_type == CUDNN_DATA_FLOAT && projection == H,
         "the model knows this LSTM only");
  expect(flags == CUDNN_RNN_PADDED_IO_ENABLED, "the unpacked layout needs padded i/o");
  *rnn = {algorithm, bias, type, C, H, L, 0, dropout};
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnBuildRNNDynamic(cudnnHandle_t, cudnnRNNDescriptor_t rnn, int N) {
  rnn->built = N;
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnGetRNNWeightSpaceSize(cudnnHandle_t, cudnnRNNDescriptor_t rnn, size_t* bytes) {
  *bytes = weight_bytes(*rnn);
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnGetRNNWeightParams(cudnnHandle_t, cudnnRNNDescriptor_t rnn, int32_t layer,
                                      size_t bytes, const void* space, int32_t id,
                                      cudnnTensorDescriptor_t matrix, void** matrix_at,
                                      cudnnTensorDescriptor_t bias, void** bias_at) {
  expect(bytes == weight_bytes(*rnn), "the weight space has its size");
  const auto [W, b] = place_of(*rnn, layer, id);
  auto* base = static_cast<unsigned char*>(const_cast<void*>(space));
  const auto fill = [&](const Place& place, cudnnTensorDescriptor_t tensor, void** at) {
    const int rows = static_cast<int>(place.rows), columns = static_cast<int>(place.columns);
    *tensor = {rnn->type, {1, rows, columns}, {rows * columns, columns, 1}};
    *at = place.rows == 0 ? nullptr : base + place.at * bytes_of(rnn->type);
  };
  fill(W, matrix, matrix_at);
  fill(b, bias, bias_at);
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnSetRNNDataDescriptor(cudnnRNNDataDescriptor_t data, cudnnDataType_t type,
                                        cudnnRNNDataLayout_t layout, int T, int N, int width,
                                        const int lengths[], void*) {
  expect(layout == CUDNN_RNN_DATA_LAYOUT_SEQ_MAJOR_UNPACKED, "the model knows this layout only");
  expect(std::all_of(lengths, lengths + N, [&](int length) { return length == T; }),
         "the model knows full lengths only");
  *data = {type, T, N, width};
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnSetTensorNdDescriptor(cudnnTensorDescriptor_t tensor, cudnnDataType_t type,
                                         int rank, const int sizes[], const int strides[]) {
  *tensor = {type, {sizes, sizes + rank}, {strides, strides + rank}};
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnGetTensorNdDescriptor(const cudnnTensorDescriptor_t tensor, int wanted,
                                         cudnnDataType_t* type, int* rank, int sizes[],
                                         int strides[]) {
  *type = tensor->type;
  *rank = static_cast<int>(tensor->sizes.size());
  expect(*rank <= wanted, "room for all sizes");
  std::copy(tensor->sizes.begin(), tensor->sizes.end(), sizes);
  std::copy(tensor->strides.begin(), tensor->strides.end(), strides);
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnGetRNNTempSpaceSizes(cudnnHandle_t, cudnnRNNDescriptor_t rnn,
                                        cudnnForwardMode_t mode, cudnnRNNDataDescriptor_t x,
                                        size_t* workspace, size_t* reserve) {
  expect(x->width == rnn->C && x->type == rnn->type, "x is of the model's width and type");
  if (rnn->H > 256) return refuse(CUDNN_STATUS_NOT_SUPPORTED, "hidden size");
  *workspace = kWorkspace;
  *reserve = mode == CUDNN_FWD_MODE_TRAINING ? kReserve : 0;
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnRNNForward(cudnnHandle_t handle, cudnnRNNDescriptor_t descriptor,
                              cudnnForwardMode_t mode, const int32_t lengths[],
                              cudnnRNNDataDescriptor_t x_layout, const void* x,
                              cudnnRNNDataDescriptor_t y_layout, void* y,
                              cudnnTensorDescriptor_t h_layout, const void* hx, void* hy,
                              cudnnTensorDescriptor_t c_layout, const void* cx, void* cy,
                              size_t weights_bytes, const void* weights, size_t workspace_bytes,
                              void* workspace, size_t reserve_bytes, void* reserve) {
  const cudnnRNNStruct rnn = *descriptor;
  const int T = x_layout->T, N = x_layout->N;
  const bool training = mode == CUDNN_FWD_MODE_TRAINING;
  const std::vector<int> states{rnn.L, N, rnn.H};
  expect(lengths == nullptr, "lengths on the device are null since 8.9.1");
  expect(rnn.dropout != nullptr && rnn.dropout->rate == 0 && rnn.dropout->states != nullptr,
         "an RNN that runs has a dropout descriptor with states; the model knows rate 0 only");
  expect(rnn.algorithm != CUDNN_RNN_ALGO_PERSIST_DYNAMIC || rnn.built == N, "built for this N");
  expect(y_layout->T == T && y_layout->N == N && y_layout->width == rnn.H, "y is [T,N,H]");
  expect(h_layout->sizes == states && c_layout->sizes == states, "states are [L,N,H]");
  expect(weights_bytes == weight_bytes(rnn) && workspace_bytes == kWorkspace &&
             reserve_bytes == (training ? kReserve : 0),
         "spaces have their sizes");
  expect(x != nullptr && y != nullptr, "x and y are there");
  // cuDNN may make calls that only a relaxed capture allows.
  cudaEvent_t event = nullptr;
  cudaEventCreate(&event);
  const cudaError_t asked = cudaEventQuery(event);
  cudaEventDestroy(event);
  if (asked != cudaSuccess) return refuse(CUDNN_STATUS_INTERNAL_ERROR, "a call in a capture");
  expect((hx == nullptr || hx != hy) && (cx == nullptr || cx != cy), "states in and out differ");
  standin::enqueue_kernel(handle->stream, [=] {
    expect(*static_cast<const unsigned char*>(rnn.dropout->states) == 0x5d,
           "the states of dropout stay while the RNN is there");
    spoil(workspace, workspace_bytes);
    Kept run{.rnn = rnn, .shape = {}, .input = {}, .trace = {}, .y = {}, .gradients = {}};
    const auto size = [](int n) { return static_cast<std::size_t>(n); };
    run.shape = {size(T), size(N), size(rnn.C), size(rnn.H), size(rnn.L)};
    const std::size_t count = size(rnn.L) * size(N) * size(rnn.H);
    run.input.x = read_all(rnn.type, x, size(T) * size(N) * size(rnn.C));
    run.input.h0 = read_all(rnn.type, hx, count);
    run.input.c0 = read_all(rnn.type, cx, count);
    run.input.weights.assign(run.shape.weights(), 0.0);
    for_each_weight(rnn, [&](std::size_t at, std::size_t flat) {
      run.input.weights[flat] += read(rnn.type, weights, at);
    });
    run.trace = lstm_forward(run.shape, run.input);
    write_all(rnn.type, y, run.trace.h());
    write_all(rnn.type, hy, run.trace.h_last);
    write_all(rnn.type, cy, run.trace.c_last);
    if (!training) return;
    mark(reserve);
    run.y = read_all(rnn.type, y, run.trace.h().size());
    run.x_at = x;
    run.y_at = y;
    run.hx_at = hx;
    run.cx_at = cx;
    kept()[reserve] = std::move(run);
  });
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnRNNBackwardData_v8(cudnnHandle_t handle, cudnnRNNDescriptor_t descriptor,
                                      const int32_t lengths[], cudnnRNNDataDescriptor_t,
                                      const void* y, const void* dy, cudnnRNNDataDescriptor_t,
                                      void* dx, cudnnTensorDescriptor_t, const void* hx,
                                      const void* dhy, void* dhx, cudnnTensorDescriptor_t,
                                      const void* cx, const void* dcy, void* dcx, size_t,
                                      const void*, size_t workspace_bytes, void* workspace,
                                      size_t reserve_bytes, void* reserve) {
  const cudnnDataType_t type = descriptor->type;
  expect(lengths == nullptr && dx != nullptr && dy != nullptr, "dy and dx are there");
  expect(workspace_bytes == kWorkspace && reserve_bytes == kReserve, "spaces have their sizes");
  standin::enqueue_kernel(handle->stream, [=] {
    spoil(workspace, workspace_bytes);
    expect_mark(reserve);
    Kept& run = kept().at(reserve);
    expect(run.y_at == y && run.hx_at == hx && run.cx_at == cx, "y, hx, cx are forward's");
    expect(read_all(type, y, run.y.size()) == run.y, "y stays until backward");
    const std::size_t count = run.input.h0.size();
    expect(read_all(type, hx, count) == run.input.h0, "hx stays until backward");
    expect(read_all(type, cx, count) == run.input.c0, "cx stays until backward");
    run.gradients = lstm_backward(run.shape, run.input, run.trace, read_all(type, dy, run.y.size()),
                                  read_all(type, dhy, count), read_all(type, dcy, count));
    run.backward_done = true;
    write_all(type, dx, run.gradients.dx);
    write_all(type, dhx, run.gradients.dh0);
    write_all(type, dcx, run.gradients.dc0);
  });
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnRNNBackwardWeights_v8(cudnnHandle_t handle, cudnnRNNDescriptor_t descriptor,
                                         cudnnWgradMode_t mode, const int32_t lengths[],
                                         cudnnRNNDataDescriptor_t, const void* x,
                                         cudnnTensorDescriptor_t, const void* hx,
                                         cudnnRNNDataDescriptor_t, const void* y, size_t bytes,
                                         void* dweights, size_t workspace_bytes, void* workspace,
                                         size_t, void* reserve) {
  const cudnnRNNStruct rnn = *descriptor;
  expect(mode == CUDNN_WGRAD_MODE_ADD && lengths == nullptr, "gradients can only be added");
  expect(bytes == weight_bytes(rnn), "the gradient space has its size");
  standin::enqueue_kernel(handle->stream, [=] {
    spoil(workspace, workspace_bytes);
    expect_mark(reserve);
    const Kept& run = kept().at(reserve);
    expect(run.backward_done, "backward data comes before backward weights");
    expect(run.x_at == x && run.y_at == y && run.hx_at == hx, "x, y, hx are forward's");
    expect(read_all(rnn.type, x, run.input.x.size()) == run.input.x, "x stays until backward");
    expect(read_all(rnn.type, y, run.y.size()) == run.y, "y stays until backward");
    for_each_weight(rnn, [&](std::size_t at, std::size_t flat) {
      write(rnn.type, dweights, at, read(rnn.type, dweights, at) + run.gradients.dweights[flat]);
    });
  });
  return CUDNN_STATUS_SUCCESS;
}
