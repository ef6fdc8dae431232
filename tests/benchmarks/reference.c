/* Plain C reference for the compiled kernels: one thread, one chain, no intrinsics.
 *
 * Action (2 and 3 dimensions, L^D sites, periodic, x contiguous):
 *
 *     S = sum_x [ -2 kappa sum_mu phi_x phi_{x+mu} + (1 - 2 lambda) phi_x^2 + lambda phi_x^4 ]
 *
 * hmc_run:   leapfrog with the force, the kick and the drift of a step in one sweep over two field buffers.
 * wolff_run: single clusters of the embedded Ising spins sign(phi), R. C. Brower, P. Tamayo, PRL 62 (1989) 1087.
 * u1_force, su2_force, su3_force: forces of gauge fields, S = beta sum_plaquettes (1 - Re tr U / N), one link at a time.
 *
 * Random numbers: xoshiro256+ (D. Blackman, S. Vigna, ACM TOMS 47 (2021) 36), seeded by splitmix64; normal ones by
 * the ziggurat of G. Marsaglia, W. W. Tsang, J. Stat. Soft. 5 (2000) 8, with 256 layers.
 */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "xoshiro.h"

/* ---- random numbers ---- */

/* Uniform in [0, 1). */
static inline double rng_uniform(rng_t *rng)
{
    return (double)(rng_bits(rng) >> 11) * 0x1p-53;
}

enum { LAYERS = 256 };
static const double TAIL = 3.6541528853610088;    /* where the tail begins */
static const double AREA = 0.00492867323399;      /* of every layer under exp(-x^2/2) */
static double edge[LAYERS + 1];                   /* right edges, widest (of the base layer with its tail) first */
static double inside[LAYERS];                     /* edge[i + 1] / edge[i]: below it no test is needed */

static void ziggurat_init(void)
{
    double height = exp(-0.5 * TAIL * TAIL);

    edge[0] = AREA / height;
    edge[1] = TAIL;
    for (int i = 2; i < LAYERS; i++) {
        edge[i] = sqrt(-2 * log(AREA / edge[i - 1] + height));
        height = exp(-0.5 * edge[i] * edge[i]);
    }
    edge[LAYERS] = 0;
    for (int i = 0; i < LAYERS; i++)
        inside[i] = edge[i + 1] / edge[i];
}

/* A normal number beyond TAIL, with the sign of u. */
static inline double ziggurat_tail(rng_t *rng, double u)
{
    double x, y;
    do {
        x = -log(1 - rng_uniform(rng)) / TAIL;
        y = -log(1 - rng_uniform(rng));
    } while (2 * y < x * x);
    return copysign(TAIL + x, u);
}

static inline double rng_normal(rng_t *rng)
{
    for (;;) {
        const uint64_t bits = rng_bits(rng);
        const int i = (bits >> 3) & (LAYERS - 1);                     /* the lowest bits of xoshiro256+ are weak */
        const double u = (double)(int64_t)(bits & ~(uint64_t)2047) * 0x1p-63; /* in [-1, 1), apart from bits of i */

        if (fabs(u) < inside[i])
            return u * edge[i];
        if (i == 0)
            return ziggurat_tail(rng, u);
        const double x = u * edge[i];
        const double low = exp(-0.5 * (edge[i] * edge[i] - x * x));
        const double high = exp(-0.5 * (edge[i + 1] * edge[i + 1] - x * x));
        if (high + rng_uniform(rng) * (low - high) < 1.0)
            return x;
    }
}

/* ---- HMC ---- */

typedef struct {
    int dimension, extent;
    double kappa, lambda;
} theory_t;

static long volume(const theory_t *t)
{
    long sites = t->extent;
    for (int i = 1; i < t->dimension; i++)
        sites *= t->extent;
    return sites;
}

static inline double site_action(const theory_t *t, double phi, double next)
{
    const double square = phi * phi;
    return -2 * t->kappa * phi * next + ((1 - 2 * t->lambda) + t->lambda * square) * square;
}

static double action(const theory_t *t, const double *phi)
{
    const int L = t->extent, slices = t->dimension == 3 ? L : 1;
    double total = 0;

    for (int z = 0; z < slices; z++)
        for (int y = 0; y < L; y++) {
            const double *here = phi + ((long)z * L + y) * L;
            const double *up = phi + ((long)z * L + (y + 1 == L ? 0 : y + 1)) * L;
            const double *front = phi + ((long)(z + 1 == slices ? 0 : z + 1) * L + y) * L;
            const double with_front = t->dimension == 3 ? 1 : 0;
            double row = 0;

            for (int x = 0; x < L - 1; x++)
                row += site_action(t, here[x], here[x + 1] + up[x] + with_front * front[x]);
            total += row + site_action(t, here[L - 1], here[0] + up[L - 1] + with_front * front[L - 1]);
        }
    return total;
}

/* What one sweep does to a site with neighbour sum n: p += a n + (b + c phi^2) phi, then next = phi + drift p. */
typedef struct {
    double a, b, c, drift;
} step_t;

static step_t step_of(const theory_t *t, double kick, double drift)
{
    const step_t s = {2 * t->kappa * kick, -2 * (1 - 2 * t->lambda) * kick, -4 * t->lambda * kick, drift};
    return s;
}

static inline double kicked(step_t s, double phi, double neighbours, double momentum)
{
    return momentum + s.a * neighbours + (s.b + s.c * (phi * phi)) * phi;
}

/* One row in two dimensions; c, u, d: the row itself, the next and the previous one. `restrict` tells the compiler
 * that what is written is not read here, as it must know to use vectors. */
static inline void sweep_row_2d(step_t s, const double *restrict c, const double *restrict u, const double *restrict d,
                                double *restrict p, double *restrict next, int L)
{
    const int e = L - 1;

    p[0] = kicked(s, c[0], c[e] + c[1] + u[0] + d[0], p[0]);
    next[0] = c[0] + s.drift * p[0];
    for (int x = 1; x < e; x++) {
        const double momentum = kicked(s, c[x], c[x - 1] + c[x + 1] + u[x] + d[x], p[x]);
        p[x] = momentum;
        next[x] = c[x] + s.drift * momentum;
    }
    p[e] = kicked(s, c[e], c[e - 1] + c[0] + u[e] + d[e], p[e]);
    next[e] = c[e] + s.drift * p[e];
}

/* The same in three dimensions, where f and b are the rows of the next and of the previous slice. */
static inline void sweep_row_3d(step_t s, const double *restrict c, const double *restrict u, const double *restrict d,
                                const double *restrict f, const double *restrict b, double *restrict p,
                                double *restrict next, int L)
{
    const int e = L - 1;

    p[0] = kicked(s, c[0], c[e] + c[1] + u[0] + d[0] + f[0] + b[0], p[0]);
    next[0] = c[0] + s.drift * p[0];
    for (int x = 1; x < e; x++) {
        const double momentum = kicked(s, c[x], c[x - 1] + c[x + 1] + u[x] + d[x] + f[x] + b[x], p[x]);
        p[x] = momentum;
        next[x] = c[x] + s.drift * momentum;
    }
    p[e] = kicked(s, c[e], c[e - 1] + c[0] + u[e] + d[e] + f[e] + b[e], p[e]);
    next[e] = c[e] + s.drift * p[e];
}

/* Two functions that are not inlined into one another, or registers run out inside the inner loops (10 % in 2D). */
static __attribute__((noinline)) void sweep_2d(step_t s, const double *phi, double *p, double *next, int L)
{
    for (int y = 0; y < L; y++) {
        const int above = y + 1 == L ? 0 : y + 1, below = y ? y - 1 : L - 1;
        sweep_row_2d(s, phi + y * L, phi + above * L, phi + below * L, p + y * L, next + y * L, L);
    }
}

static __attribute__((noinline)) void sweep_3d(step_t s, const double *phi, double *p, double *next, int L)
{
    const long plane = (long)L * L;

    for (int z = 0; z < L; z++) {
        const double *slice = phi + z * plane;
        const double *front = phi + (z + 1 == L ? 0 : z + 1) * plane, *back = phi + (z ? z - 1 : L - 1) * plane;

        for (int y = 0; y < L; y++) {
            const long row = (long)y * L, above = y + 1 == L ? 0 : row + L, below = y ? row - L : plane - L;
            sweep_row_3d(s, slice + row, slice + above, slice + below, front + row, back + row, p + z * plane + row,
                         next + z * plane + row, L);
        }
    }
}

static void sweep(const theory_t *t, step_t s, const double *phi, double *p, double *next)
{
    if (t->dimension == 2)
        sweep_2d(s, phi, p, next, t->extent);
    else
        sweep_3d(s, phi, p, next, t->extent);
}

static double half_square(const double *p, long n)
{
    double sum = 0;
    for (long i = 0; i < n; i++)
        sum += p[i] * p[i];
    return 0.5 * sum;
}

/* Never a multiple of 4096 bytes for the usual lattices: stores and loads that far apart look alike to processors. */
static double *new_field(long n)
{
    return aligned_alloc(64, ((size_t)n * sizeof(double) / 64 + 1) * 64);
}

/* Runs `updates` trajectories of `steps` leapfrog steps of size `eps` from phi, which is left at the last state.
 * sums: added up over the trajectories: mean of phi^2, |mean of phi|, accepted. Returns 0, or 1 without memory. */
int hmc_run(double *phi, int dimension, int extent, double kappa, double lambda, int steps, double eps, long updates,
            uint64_t seed, double sums[3])
{
    const theory_t t = {dimension, extent, kappa, lambda};
    const long V = volume(&t);
    double *old = new_field(V), *now = new_field(V), *next = new_field(V), *p = new_field(V);
    const int failed = !old || !now || !next || !p;
    rng_t rng;

    ziggurat_init();
    rng_seed(&rng, seed);
    if (!failed)
        memcpy(now, phi, (size_t)V * sizeof(double));
    for (long update_no = 0; update_no < updates && !failed; update_no++) {
        double kinetic = 0;
        for (long i = 0; i < V; i++) {
            p[i] = rng_normal(&rng);
            kinetic += p[i] * p[i];
        }
        const double before = 0.5 * kinetic + action(&t, now);
        memcpy(old, now, (size_t)V * sizeof(double));

        /* half a kick with the first drift, whole kicks, and half a kick without a drift */
        for (int s = 0; s <= steps; s++) {
            const double kick = s == 0 || s == steps ? 0.5 * eps : eps;
            double *const swap = next;
            sweep(&t, step_of(&t, kick, s == steps ? 0 : eps), now, p, next);
            next = now;
            now = swap;
        }
        const double after = half_square(p, V) + action(&t, now);
        if (rng_uniform(&rng) < exp(before - after))
            sums[2] += 1;
        else
            memcpy(now, old, (size_t)V * sizeof(double));

        double magnetization = 0, square = 0;
        for (long i = 0; i < V; i++) {
            magnetization += now[i];
            square += now[i] * now[i];
        }
        sums[0] += square / (double)V;
        sums[1] += fabs(magnetization) / (double)V;
    }
    if (!failed)
        memcpy(phi, now, (size_t)V * sizeof(double));
    free(old);
    free(now);
    free(next);
    free(p);
    return failed;
}

/* ---- Wolff clusters ---- */

static inline int neighbours_of(long i, int dimension, long L, long V, long *list)
{
    const long plane = L * L, x = i % L, y = i / L % L;

    list[0] = x + 1 < L ? i + 1 : i + 1 - L;
    list[1] = x ? i - 1 : i - 1 + L;
    list[2] = y + 1 < L ? i + L : i + L - plane;
    list[3] = y ? i - L : i - L + plane;
    if (dimension == 2)
        return 4;
    list[4] = i + plane < V ? i + plane : i + plane - V;
    list[5] = i >= plane ? i - plane : i - plane + V;
    return 6;
}

/* Flips `clusters` clusters, bonds with probability 1 - exp(-4 kappa phi_x phi_y) where that is positive.
 * stack: room for V integers. Returns the number of flipped sites. */
long wolff_run(double *phi, int dimension, int extent, double kappa, long clusters, uint64_t seed, int *stack)
{
    const theory_t t = {dimension, extent, kappa, 0};
    const long V = volume(&t);
    long flipped = 0;
    rng_t rng;

    rng_seed(&rng, seed);
    for (long cluster = 0; cluster < clusters; cluster++) {
        const long root = (long)(rng_uniform(&rng) * (double)V);
        long height = 0;

        phi[root] = -phi[root];
        stack[height++] = (int)root;
        flipped++;
        while (height) {
            const long i = stack[--height];
            const double strength = -4 * kappa * phi[i]; /* phi[i] has been flipped already */
            long list[6];
            const int count = neighbours_of(i, dimension, extent, V, list);

            for (int k = 0; k < count; k++) {
                const long j = list[k];
                const double bond = strength * phi[j];
                if (bond <= 0)
                    continue;
                const double u = rng_uniform(&rng);
                /* 1 - exp(-bond) <= bond: most refusals need no exponential */
                if (u >= bond || u >= 1 - exp(-bond))
                    continue;
                phi[j] = -phi[j];
                stack[height++] = (int)j;
                flipped++;
            }
        }
    }
    return flipped;
}

/* ---- gauge fields ---- */

/* Two dimensions, angles theta[mu][y][x]: p_mu -= factor dS/dtheta_mu at beta = 1; sines: room for L^2 numbers. */
static void u1_kick(const double *theta, double *restrict p, double *restrict sines, int L, double factor)
{
    const long V = (long)L * L;
    const double *a = theta, *b = theta + V;

    for (int y = 0; y < L; y++) {
        const long row = (long)y * L, next = (y + 1 < L ? y + 1 : 0) * (long)L;
        for (int x = 0; x < L - 1; x++)
            sines[row + x] = sin(a[row + x] + b[next + x] - a[row + x + 1] - b[row + x]);
        sines[row + L - 1] = sin(a[row + L - 1] + b[next + L - 1] - a[row] - b[row + L - 1]);
    }
    for (int y = 0; y < L; y++) {
        const long row = (long)y * L, last = (y ? y - 1 : L - 1) * (long)L;
        p[row] -= factor * (sines[row] - sines[row + L - 1]);
        for (int x = 1; x < L; x++)
            p[row + x] -= factor * (sines[row + x] - sines[row + x - 1]);
        for (int x = 0; x < L; x++)
            p[V + row + x] -= factor * (sines[last + x] - sines[row + x]);
    }
}

/* `repeats` of them, because a call from Python takes as long as one on a small lattice. Returns 1 without memory. */
int u1_force(const double *theta, double *p, int L, double beta, int repeats)
{
    double *sines = new_field((long)L * L);

    for (int i = 0; sines && i < repeats; i++)
        u1_kick(theta, p, sines, L, beta);
    free(sines);
    return !sines;
}

enum { SU3 = 18, SU2 = 4 };

/* Four dimensions, site by site and direction by direction; neighbours of a site: up[mu], down[mu]. */
static inline void neighbours_4d(long site, long L, long *up, long *down)
{
    long stride = L * L * L;

    for (int mu = 0; mu < 4; mu++, stride /= L) {
        const long x = site / stride % L;
        up[mu] = x + 1 < L ? site + stride : site + stride - L * stride;
        down[mu] = x ? site - stride : site - stride + L * stride;
    }
}

static inline long above_4d(long site, int mu, long L)
{
    long stride = 1;

    for (int k = mu; k < 3; k++)
        stride *= L;
    return site / stride % L + 1 < L ? site + stride : site + stride - L * stride;
}

/* c = [c +] a b of 3 x 3 matrices, row by row, real part before imaginary part; da, db: adjoints. */
static inline __attribute__((always_inline)) void su3_product(double *restrict c, const double *restrict a,
                                                              const double *restrict b, int da, int db, int add)
{
#pragma GCC unroll 3
    for (int i = 0; i < 3; i++)
#pragma GCC unroll 3
        for (int j = 0; j < 3; j++) {
            double re = add ? c[6 * i + 2 * j] : 0, im = add ? c[6 * i + 2 * j + 1] : 0;
#pragma GCC unroll 3
            for (int k = 0; k < 3; k++) {
                const int m = da ? 6 * k + 2 * i : 6 * i + 2 * k, n = db ? 6 * j + 2 * k : 6 * k + 2 * j;
                const double x = a[m], y = da ? -a[m + 1] : a[m + 1], u = b[n], v = db ? -b[n + 1] : b[n + 1];
                re += x * u - y * v;
                im += x * v + y * u;
            }
            c[6 * i + 2 * j] = re;
            c[6 * i + 2 * j + 1] = im;
        }
}

/* force = -(beta/6) x the traceless anti-Hermitian part of U A, A the sum of the staples, for every link. */
static void su3_forces(const double *links, double *force, int L, double beta)
{
    const long V = (long)L * L * L * L;

    for (long site = 0; site < V; site++) {
        long up[4], down[4];
        neighbours_4d(site, L, up, down);
        for (int mu = 0; mu < 4; mu++) {
            double staples[SU3] = {0}, product[SU3], loop[SU3];
            for (int nu = 0; nu < 4; nu++) {
                if (nu == mu)
                    continue;
                const double *back = links + down[nu] * 4 * SU3;
                const long corner = above_4d(down[nu], mu, L);
                su3_product(product, links + (up[mu] * 4 + nu) * SU3, links + (up[nu] * 4 + mu) * SU3, 0, 1, 0);
                su3_product(staples, product, links + (site * 4 + nu) * SU3, 0, 1, 1);
                su3_product(product, back + mu * SU3, links + (corner * 4 + nu) * SU3, 0, 0, 0);
                su3_product(staples, product, back + nu * SU3, 1, 0, 1);
            }
            su3_product(loop, links + (site * 4 + mu) * SU3, staples, 0, 0, 0);
            double *f = force + (site * 4 + mu) * SU3;
            const double h = beta / 12, trace = (loop[1] + loop[9] + loop[17]) / 3;
            for (int i = 0; i < 3; i++)
                for (int j = 0; j < 3; j++) {
                    const int m = 6 * i + 2 * j, n = 6 * j + 2 * i;
                    f[m] = -h * (loop[m] - loop[n]);
                    f[m + 1] = -h * (loop[m + 1] + loop[n + 1] - (i == j ? 2 * trace : 0));
                }
        }
    }
}

/* Quaternions a0 + i a sigma. */
typedef struct {
    double c[4];
} su2_t;

static inline __attribute__((always_inline)) su2_t su2_product(su2_t a, su2_t b)
{
    const double *x = a.c, *y = b.c;
    const su2_t c = {{x[0] * y[0] - x[1] * y[1] - x[2] * y[2] - x[3] * y[3],
                      x[0] * y[1] + x[1] * y[0] - x[2] * y[3] + x[3] * y[2],
                      x[0] * y[2] + x[2] * y[0] - x[3] * y[1] + x[1] * y[3],
                      x[0] * y[3] + x[3] * y[0] - x[1] * y[2] + x[2] * y[1]}};
    return c;
}

static inline __attribute__((always_inline)) su2_t su2_adjoint(su2_t a)
{
    const su2_t c = {{a.c[0], -a.c[1], -a.c[2], -a.c[3]}};
    return c;
}

/* force_a = -(beta/2) Im tr(sigma_a/2 U A), three numbers a link. */
static void su2_forces(const su2_t *links, double *force, int L, double beta)
{
    const long V = (long)L * L * L * L;

    for (long site = 0; site < V; site++) {
        long up[4], down[4];
        neighbours_4d(site, L, up, down);
        for (int mu = 0; mu < 4; mu++) {
            su2_t staples = {{0}};
            for (int nu = 0; nu < 4; nu++) {
                if (nu == mu)
                    continue;
                const su2_t *back = links + down[nu] * 4;
                const long corner = above_4d(down[nu], mu, L);
                const su2_t top = su2_product(links[site * 4 + nu], links[up[nu] * 4 + mu]);
                const su2_t ahead = su2_product(links[up[mu] * 4 + nu], su2_adjoint(top));
                const su2_t bottom = su2_product(back[mu], links[corner * 4 + nu]);
                const su2_t behind = su2_product(su2_adjoint(bottom), back[nu]);
                for (int k = 0; k < 4; k++)
                    staples.c[k] += ahead.c[k] + behind.c[k];
            }
            const su2_t loop = su2_product(links[site * 4 + mu], staples);
            for (int a = 0; a < 3; a++)
                force[(site * 4 + mu) * 3 + a] = -0.5 * beta * loop.c[a + 1];
        }
    }
}

int su3_force(const double *links, double *force, int L, double beta, int repeats)
{
    for (int i = 0; i < repeats; i++)
        su3_forces(links, force, L, beta);
    return 0;
}

int su2_force(const su2_t *links, double *force, int L, double beta, int repeats)
{
    for (int i = 0; i < repeats; i++)
        su2_forces(links, force, L, beta);
    return 0;
}
